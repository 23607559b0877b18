# Bundles web/src into OUT with esbuild. Run by the custom command of web.cmake: cmake -DNODE=… -DWEB=… -DOUT=… -P
if(NOT EXISTS ${WEB}/node_modules/esbuild)
  message(FATAL_ERROR "web/node_modules is missing: run `./dev setup`, or `npm ci` in web/, or configure with "
                      "-DPARAMEDIC_DASHBOARD=OFF to build without the dashboard")
endif()
execute_process(COMMAND ${NODE} ${WEB}/build.mjs ${OUT} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "the dashboard does not bundle; see above")
endif()
