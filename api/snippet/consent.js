// What a consent manager knows, told to the tracker: IAB TCF 2 (`tcf`) and Google Consent Mode (`google`).
function consent(words, consent) {
  // Purposes of the framework that each of ours stands on: 1 storage on the device; 7 and 8 measurement of ads and of
  // content; 3 and 4 profiles for ads.
  const PURPOSES = { analytics: [1, 8], marketing: [1, 7], personalization: [1, 3, 4] };
  const WAITS_MS = 1e4;

  // Where the page has a manager itself, else in the frame around it that has one: it answers messages there. This frame
  // is told by a name inside of it.
  const around = () => {
    for (let frame = window; ; frame = frame.parent) {
      try {
        if (frame.frames.__tcfapiLocator) return frame;
      } catch {} // of another origin, and names it none
      if (frame === window.top) return;
    }
  };
  const asking = (frame) => (command, version, heard) => {
    const callId = "wayfare." + Math.random();
    addEventListener("message", (message) => {
      let { data } = message;
      try {
        if (message.source === frame && typeof data === "string") data = JSON.parse(data);
      } catch {}
      const answer = data?.__tcfapiReturn;
      if (message.source === frame && answer?.callId === callId) heard(answer.returnValue, answer.success);
    });
    frame.postMessage({ __tcfapiCall: { command, version, callId } }, "*");
  };
  const listenToFramework = (since) => {
    const frame = window.__tcfapi ? window : around();
    if (!frame) {
      if (Date.now() - since < WAITS_MS) setTimeout(listenToFramework, 100, since);
      return;
    }
    const ask = window.__tcfapi || asking(frame);
    ask("addEventListener", 2, (told, isGood) => {
      const isFree = told?.gdprApplies === false;
      // While the manager loads, or asks him, nothing is known yet.
      if (!isGood || !(isFree || /tcloaded|useractioncomplete/.test(told?.eventStatus))) return;
      const given = told.purpose?.consents || {};
      const purposes = Object.fromEntries(
        Object.entries(PURPOSES).map(([ours, theirs]) => [ours, isFree || theirs.every((each) => given[each] === true)])
      );
      consent(purposes, { method: "tcf", tc_string: told.tcString, gdpr_applies: told.gdprApplies });
    });
  };

  // dataLayer holds [consent, default | update, {storage: granted | denied}]. What is denied by default is no refusal.
  const listenToGoogle = () => {
    const layer = (window.dataLayer ||= []);
    const assumed = {}, answered = {}; // by defaults, by updates: these count first, also where a default comes later
    let isDue = false, waits = 0;
    const heard = (entry) => {
      if (entry?.[0] !== "consent" || !/default|update/.test(entry[1]) || !entry[2]) return;
      for (const [storage, word] of Object.entries(entry[2])) {
        if (!/^(granted|denied)$/.test(word)) continue;
        if (entry[1] === "update") answered[storage] = word;
        // Defaults of several regions: which one holds only Google knows, so the strictest does.
        else if (assumed[storage] !== "denied") assumed[storage] = word;
      }
      // So long Google's own tags wait for an answer before a default counts.
      waits = Math.max(waits, Date.now() + +entry[2].wait_for_update || 0);
      if (!isDue) queueMicrotask(tell); // when all that one script says has been heard
      isDue = true;
    };
    const tell = () => {
      isDue = false;
      const left = waits - Date.now();
      if (left > 0 && !answered.analytics_storage) {
        setTimeout(tell, left);
        return;
      }
      const standing = { ...assumed, ...answered };
      const isGranted = (storage) => standing[storage] === "granted";
      if (!answered.analytics_storage && !isGranted("analytics_storage")) return;
      consent({
        analytics: isGranted("analytics_storage"),
        marketing: isGranted("ad_storage"),
        personalization: isGranted("ad_personalization"),
      }, { method: "google", ...standing });
    };
    const push = layer.push;
    layer.push = function (...entries) {
      const length = push.apply(this, entries);
      entries.forEach(heard);
      return length;
    };
    [...layer].forEach(heard);
  };

  if (/tcf/.test(words)) listenToFramework(Date.now());
  if (/google/.test(words)) listenToGoogle();
}
