"""The invented rows of mock-up 09."""

DONE = "9 10 9 9 11 10 12 7 10 7 8 9 10 10 8 13 11 7 10 9 8 12 8 6 10 8 7 10 8 12 9 9 7 11 6 9 3 9 4 4 4 4 5 13 8 8 9 11 9 10 12 9 11 8"
FAILED_AT = {3: 1, 9: 1, 14: 1, 20: 1, 22: 1, 25: 2, 26: 4, 27: 4, 28: 7, 29: 6, 30: 6, 31: 2, 38: 1, 47: 1}


ROWS = [
    line.split(";")
    for line in """\
completed;13:31:28;noah.fischer;brightside.example;gpt-6.1-sol;Anthropic|OpenAI;;3.6 s;2 cr;$0.0088
completed;13:31:21;kim.sato;halcyon.example;flux-schnell;Replicate;;3.1 s;1 cr;$0.0080
completed;13:31:16;tomas.reyes;fernweh.example;gemini-3.8-flash;Anthropic|Gemini;;12.9 s;2 cr;$0.0014
failed;13:31:08;info;vogel.example;gemini-3-pro-image;Gemini;content_blocked;6.2 s;0 cr;$0.0021
cancelled;13:31:02;lea.morel;studio-kite.example;gemini-omni-1.2-flash;Gemini;by the user;8.4 s;0 cr;none
failed;13:30:57;mara.lindqvist;northlight.example;claude-opus-5-5;Anthropic;overloaded;12.4 s;0 cr;none
completed;13:30:52;dana.okafor;studio-nine.example;gpt-6-luna;OpenAI;;1.4 s;2 cr;$0.00041
completed;13:30:49;paul.brandt;northlight.example;gpt-image-2.5-flare;OpenAI;;17.8 s;24 cr;$0.17
failed;13:30:44;api;lumenlabs.example;claude-sonnet-5-5;Anthropic;overloaded;9.1 s;0 cr;none
completed;13:30:40;sofia.marin;fernweh.example;deepseek-v4-pro;DeepSeek;;7.2 s;3 cr;$0.0053
completed;13:30:33;ben.wolter;halcyon.example;gpt-6.1-sol;OpenAI;;3.3 s;2 cr;$0.0081""".splitlines()
]
"""Status, created, user, domain, model, providers in order, cause, took, credits, cost."""
