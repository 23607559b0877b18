# The dashboard: web/ is built by esbuild (npm) into web/dist, then embedded as byte arrays into one source file.
# ./dev runs `npm ci` when web/node_modules is out of date; CMake only bundles and embeds.
