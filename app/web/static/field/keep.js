"use strict";
// What the phone keeps: features of the area and reports that wait to be sent (IndexedDB, which also plain HTTP has).
(function () {
  const field = window.chengtu.field;
  const memory = { features: new Map(), queue: new Map(), meta: new Map() };
  let opened = null;

  function open() {
    if (opened) return opened;
    opened = new Promise((done) => {
      let asked;
      try { asked = indexedDB.open("chengtu-field", 1); } catch (_) { done(null); return; }
      asked.onupgradeneeded = () => { for (const name of ["features", "queue", "meta"]) asked.result.createObjectStore(name); };
      asked.onsuccess = () => done(asked.result);
      asked.onerror = asked.onblocked = () => done(null);
    });
    return opened;
  }

  /** One transaction; without a database (private windows) everything is kept while the page stays open. */
  async function within(name, mode, work) {
    const db = await open();
    if (!db) return work(null);
    return new Promise((done, failed) => {
      const transaction = db.transaction(name, mode), asked = work(transaction.objectStore(name));
      transaction.oncomplete = () => done(asked && asked.result);
      transaction.onerror = transaction.onabort = () => failed(transaction.error);
    });
  }
  const put = (name, key, value) => within(name, "readwrite", (store) => (store ? store.put(value, key) : void memory[name].set(key, value)));
  const drop = (name, key) => within(name, "readwrite", (store) => (store ? store.delete(key) : void memory[name].delete(key)));
  const all = (name) => within(name, "readonly", (store) => (store ? store.getAll() : [...memory[name].values()]));
  const get = (name, key) => within(name, "readonly", (store) => (store ? store.get(key) : memory[name].get(key)));

  field.keep = {
    putFeatures: (features) => within("features", "readwrite", (store) => { for (const one of features) { if (store) store.put(one, field.keyOf(one)); else memory.features.set(field.keyOf(one), one); } }),
    features: () => all("features"),
    clearFeatures: () => within("features", "readwrite", (store) => (store ? store.clear() : memory.features.clear())),
    putMeta: (key, value) => put("meta", key, value),
    meta: (key) => get("meta", key),
    queue: async () => (await all("queue")).sort((a, b) => a.at - b.at),
    enqueue: (report) => put("queue", report.id, report),
    unqueue: (id) => drop("queue", id),
  };

  field.newId = function () {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };

  /** Send one report: what came of it: `sent`, `conflict`, `refused`, `key`, `later`; with the server's document. */
  async function send(report) {
    let reply;
    try {
      reply = await window.chengtu.send(`/collections/${encodeURIComponent(report.class)}/items/${report.feature}/reports`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "If-Match": report.etag, "Idempotency-Key": report.id, "Accept-Language": window.chengtu.lang },
        body: JSON.stringify(report.body),
      });
    } catch (_) {
      return ["later", null];
    }
    const told = await reply.json().catch(() => ({}));
    if (reply.ok) return ["sent", told];
    if (reply.status === 412) return ["conflict", told];
    if (reply.status === 401) return ["key", told];
    return [reply.status >= 500 || reply.status === 429 ? "later" : "refused", told];
  }

  let sending = null;
  /** Send what waits, oldest first, one at a time; `changed()` is called after each. Gives how many were sent. */
  field.sendQueue = function (changed) {
    sending = sending || work(changed).finally(() => { sending = null; });
    return sending;
  };
  async function work(changed) {
    let sent = 0;
    for (const { id } of await field.keep.queue()) {
      const report = (await field.keep.queue()).find((one) => one.id === id);
      if (!report || report.trouble) continue;
      const [outcome, told] = await send(report);
      if (outcome === "later" || outcome === "key") { if (outcome === "key") field.keyEnded = true; break; }
      if (outcome === "sent") { sent += 1; await field.keep.unqueue(id); await follow(report, told.etag); } else await field.keep.enqueue({ ...report, trouble: outcome, told });
      changed(outcome, report, told);
    }
    return sent;
  }

  /** A later report of the same feature was made from what this one made of it: that is no conflict. */
  async function follow(report, etag) {
    for (const other of await field.keep.queue()) {
      if (other.class === report.class && other.feature === report.feature && other.etag === report.etag) await field.keep.enqueue({ ...other, etag });
    }
    const kept = await get("features", `${report.class}:${report.feature}`);
    if (kept) await field.keep.putFeatures([{ ...kept, etag, state: report.body.state }]);
  }
})();
