import time
async def test_one(sandbox):
    t=time.time()
    a = await sandbox.generate()
    print(a.status_code, a.headers, a.text)
    for p in ("/api/usage","/api/credits","/api/credits/entries","/api/health","/healthz","/readyz","/api/ai/models","/api/features/check","/api/docs","/api/openapi.json","/api/nix","/nix"):
        a = await sandbox.client.get(p); print(p, a.status_code, dict(a.headers), a.text[:600])
    a = await sandbox.generate(stream=True); print(a.status_code, a.headers, a.text)
    a = await sandbox.client.put("/api/credits"); print(a.status_code, dict(a.headers), a.text)
async def test_two(site):
    a = await site.generate(); print(a.json())
async def test_three(site):
    t=time.perf_counter()
    for _ in range(100): await site.client.get("/api/credits")
    print("credits ms", (time.perf_counter()-t)*10)
    t=time.perf_counter()
    for _ in range(100): await site.client.get("/healthz")
    print("healthz ms", (time.perf_counter()-t)*10)
