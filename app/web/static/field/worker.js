"use strict";
// The service worker of the phone page: without signal it answers from what the page has kept; it keeps nothing unasked.
const SHELL = "chengtu-field-shell", KEPT = "chengtu-field-kept", PATIENCE_MS = 6000;
// One phone has one language and one browser: what replies vary by is the same for all.
const ALIKE = { ignoreVary: true };

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", function (event) {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname === "/field") event.respondWith(page(event.request));
  else if (url.pathname === "/field/app.js" || url.pathname === "/field/app.css") event.respondWith(part(event.request));
  else if (url.pathname.startsWith("/background/tiles/")) event.respondWith(tile(event.request));
});

/** The page as it is now; as it was kept where there is no signal, or none to speak of. */
async function page(request) {
  const shell = await caches.open(SHELL), kept = (await shell.match(request, ALIKE)) || (await shell.match(request, { ...ALIKE, ignoreSearch: true }));
  const asked = fetch(request).then(async (reply) => { if (reply.ok) await shell.put(request, reply.clone()); return reply; });
  if (!kept) return asked;
  const late = new Promise((done) => setTimeout(() => done(kept), PATIENCE_MS));
  return Promise.race([asked.catch(() => kept), late]);
}

/** Scripts and styles bear their version in the address: what was kept is right. */
async function part(request) {
  const shell = await caches.open(SHELL), kept = await shell.match(request, ALIKE);
  if (kept) return kept;
  // Without signal an older version is better than none.
  const older = await shell.match(request, { ...ALIKE, ignoreSearch: true });
  const reply = await (older ? fetch(request).catch(() => older) : fetch(request));
  if (reply.ok && reply !== older) {
    const path = new URL(request.url).pathname;
    for (const old of await shell.keys()) if (new URL(old.url).pathname === path) await shell.delete(old);
    await shell.put(request, reply.clone());
  }
  return reply;
}

/** A tile that was kept spares the signal; of any other the network is asked. */
async function tile(request) {
  // The page keeps them anew.
  if (request.cache === "reload") return fetch(request);
  const kept = await (await caches.open(KEPT)).match(request, ALIKE);
  return kept || fetch(request);
}
