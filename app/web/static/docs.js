// Starts the API documentation; a file of its own, for pages here have no inline script.
"use strict";
window.SwaggerUIBundle({
  url: "/api",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
