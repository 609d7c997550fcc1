"""The demo: an issuer, a guarded app, and every kind of caller, over real HTTP on loopback.

Read `policies` and `app` for how an application uses the library, `credentials` and `scenario` for what is thrown at
it. The rest is stage machinery: `servers` and `client`, `terminal` and `report`, `page`, and `command`, which runs it.
"""
