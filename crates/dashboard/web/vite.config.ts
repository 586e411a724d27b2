/// <reference types="vitest/config" />
import { defineConfig } from "vite";

/** Where `npm run dev` finds a running service. */
const service = process.env.FOOTFALL ?? "http://127.0.0.1:8080";

/** What the service answers itself; everything else is the dashboard's. */
const servicePaths = [
  "/analytics",
  "/events",
  "/visits",
  "/metrics",
  "/domains",
  "/segments",
  "/users",
  "/health",
  "/openapi.json",
  "/docs",
];

export default defineConfig({
  base: "/",
  // esbuild's own JSX transform is all that is needed: no plugin, so no Babel and no further packages.
  esbuild: { jsx: "automatic" },
  build: {
    outDir: "dist/page",
    emptyOutDir: true,
    target: "es2022",
    // The service sends a strict Content-Security-Policy: nothing may be inlined as a data: URL but images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: {
      onwarn: (warning, warn) => {
        // React Query marks its modules for servers that render React; here there is none.
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") {
          warn(warning);
        }
      },
    },
  },
  server: {
    proxy: Object.fromEntries(servicePaths.map((path) => [path, { target: service, changeOrigin: true }])),
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
