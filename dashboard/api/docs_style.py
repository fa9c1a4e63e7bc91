"""How the page at /api/docs looks, in light and dark."""

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --ground: #fff; --code: #f1f3f5; --link: #0b57d0 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --soft: #a3abb5; --line: #363b42; --ground: #14171a; --code: #22272d; --link: #8ab4f8 }
}
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 6rem }
h1 { font-size: 1.75rem } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem } h3 { font-size: 1.05rem; margin: 1.75rem 0 .25rem }
a { color: var(--link) } ul { padding-left: 1.1rem } nav li { margin: .25rem 0 }
code { font: .875em ui-monospace, monospace; background: var(--code); border-radius: 4px; padding: .1em .3em; overflow-wrap: anywhere }
h2 code { background: none; padding: 0; font-size: 1em }
table { border-collapse: collapse; width: 100%; margin: .75rem 0; font-size: .9375rem; display: block; overflow-x: auto }
th, td { border-top: 1px solid var(--line); padding: .4rem .75rem .4rem 0; text-align: left; vertical-align: top }
th { color: var(--soft); font-weight: 600 }
"""
