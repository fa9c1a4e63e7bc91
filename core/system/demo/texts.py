"""The words of the demo: people, companies, prompts, answers. None of them is anybody's."""

FIRST_NAMES = (
    "Amara", "Bruno", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiroshi", "Ines", "Jonas", "Kavya", "Lars", "Mina",
    "Noor", "Oskar", "Priya", "Quinn", "Rosa", "Samir", "Tova", "Uma", "Viktor", "Wanda", "Xavier", "Yara", "Zeno",
)  # fmt: skip

LAST_NAMES = (
    "Almeida", "Bergström", "Castro", "Dubois", "Eriksen", "Fontana", "Gruber", "Haddad", "Ito", "Jansen", "Kowalski",
    "Lindqvist", "Moreau", "Novak", "Okafor", "Petrov", "Quispe", "Rossi", "Sato", "Tanaka", "Ueda", "Vogel", "Weiss",
    "Ximenes", "Yilmaz", "Zhou",
)  # fmt: skip

DOMAINS = (
    "halcyon-media.example", "northwind-films.example", "paperplane.example", "studio-orbit.example",
    "blue-kiosk.example", "fernweh-travel.example", "lumen-school.example", "quietriver.example",
)  # fmt: skip
"""`.example` is reserved (RFC 2606): no letter sent to these people can reach anybody."""

EXCHANGES: tuple[tuple[str, str], ...] = (
    (
        "Write the opening of a story about a lighthouse keeper who collects other people's letters.",
        "The first letter came in with the tide, wrapped in oilcloth and addressed to a woman who had"
        " moved away before he was born. He dried it on the lamp room's stove and put it on the shelf,"
        " next to the others.",
    ),
    (
        "Give me five titles for a video on how bread is made in three countries.",
        "1. Three ovens, one dough\n2. What bread remembers\n3. Flour, water, weather\n4. The baker's"
        " clock\n5. Crust",
    ),
    (
        "Summarise the difference between a lease and a rental for a first-time tenant.",
        "A lease binds both sides for its whole term; a rental runs from month to month and can be"
        " ended by either with notice. The first gives you certainty, the second freedom.",
    ),
    (
        "Invent a character who repairs clocks and never arrives on time.",
        "Ada Brandt keeps forty clocks and trusts none of them. She arrives late on purpose, she says,"
        " because somebody has to prove that the hour can wait.",
    ),
    (
        "Explain why the sky is red at sunset, in three sentences.",
        "Sunlight crosses more air when the sun stands low. On that longer way the blue part is"
        " scattered aside. What is left for your eyes is the red.",
    ),
    (
        "What should I ask before buying a used camera?",
        "Ask how many pictures it has taken, whether the sensor was ever cleaned, what the lens looks"
        " like against the light, and why it is for sale.",
    ),
    (
        "Turn these notes into a friendly e-mail: meeting moved, room 4, bring samples.",
        "Dear all, our meeting has moved to room 4. The time stays the same. Please bring your samples,"
        " so that we can compare them side by side. See you there!",
    ),
    (
        "Write a 45 second script that explains compound interest to teenagers.",
        "[A coin drops into a jar] This is one coin. Leave it alone for a year and it has a small"
        " friend. [More coins] Leave both alone, and the friends bring friends. That is all compound"
        " interest is: patience with company.",
    ),
)
"""What is asked, and what is answered."""
