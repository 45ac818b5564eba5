(window.wayfare = window.wayfare || []).push(["identify", "ann", { plan: "garden" }]);
window.wayfare.push(["track", "Basket Opened", { items: 2 }]);
// The stub of Segment's snippet.
window.analytics = [];
for (const call of ["track", "page", "identify", "ready"])
  window.analytics[call] = (...given) => window.analytics.push([call, ...given]);
window.analytics.page("Shop", "Early", { shelf: 3 });
window.analytics.track("Order Completed", { revenue: 48, currency: "EUR" });
