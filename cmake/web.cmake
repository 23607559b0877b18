# Files that the program serves from memory: the API description and the dashboard.
#
# paramedic_embed(TARGET VARIABLE URL=FILE…)
# makes the static library TARGET that defines  paramedic::embedded::VARIABLE()  → span<const api::EmbeddedFile>
# (src/io/api/embedded_files.h). FILE is absolute, or relative to the calling folder; it may be the output of another
# custom command. A *.yaml FILE under a *.json URL is converted (needs python3-yaml).
# Debian's own Python, which has Debian's python3-yaml; another one may come first in PATH.
if(EXISTS /usr/bin/python3)
  set(Python3_EXECUTABLE /usr/bin/python3)
endif()
find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(paramedic_embed target variable)
  set(pairs "")
  set(files "")
  foreach(pair ${ARGN})
    string(REGEX MATCH "^([^=]+)=(.+)$" _ "${pair}")
    set(url "${CMAKE_MATCH_1}")
    cmake_path(ABSOLUTE_PATH CMAKE_MATCH_2 BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE OUTPUT_VARIABLE file)
    list(APPEND pairs "${url}=${file}")
    list(APPEND files "${file}")
  endforeach()
  set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded/${variable}.cc)
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  add_custom_command(OUTPUT ${out}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/embed_files.py ${out} ${variable} ${pairs}
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/tools/embed_files.py
    COMMENT "Embedding ${variable}" VERBATIM)
  add_library(${target} STATIC ${out})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src)
endfunction()

# GET /openapi.json
paramedic_embed(paramedic_openapi openapi_files /openapi.json=${CMAKE_SOURCE_DIR}/docs/openapi.yaml)

# GET /docs/alerts/NAME.md: what each built-in alert means and what to do.
file(GLOB alert_page_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/alerts/*.md)
set(alert_pages "")
foreach(page ${alert_page_files})
  cmake_path(GET page FILENAME name)
  list(APPEND alert_pages /docs/alerts/${name}=${page})
endforeach()
paramedic_embed(paramedic_alert_pages alert_pages ${alert_pages})

# The dashboard: web/ is built by esbuild (npm) into web/dist, then embedded by paramedic_embed(paramedic_dashboard …).
# ./dev runs `npm ci` when web/node_modules is out of date; CMake only bundles and embeds.
option(PARAMEDIC_DASHBOARD "Build the dashboard into the program (needs Node.js >= 18 and `npm ci` in web/)" ON)
set(web ${CMAKE_SOURCE_DIR}/web)
if(PARAMEDIC_DASHBOARD)
  find_program(NODE_EXECUTABLE NAMES node nodejs REQUIRED)
  set(dist ${CMAKE_BINARY_DIR}/web)
  file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS ${web}/src/*)
  add_custom_command(OUTPUT ${dist}/index.html ${dist}/app.js ${dist}/app.css ${dist}/favicon.svg
    COMMAND ${CMAKE_COMMAND} -DNODE=${NODE_EXECUTABLE} -DWEB=${web} -DOUT=${dist} -P ${CMAKE_SOURCE_DIR}/cmake/build_web.cmake
    DEPENDS ${web_sources} ${web}/build.mjs ${web}/package-lock.json ${CMAKE_SOURCE_DIR}/cmake/build_web.cmake
    COMMENT "Bundling the dashboard" VERBATIM)
else()
  set(dist ${web}/off) # one page that says so
endif()
set(dashboard_files "")
foreach(name index.html app.js app.css favicon.svg)
  if(PARAMEDIC_DASHBOARD OR EXISTS ${dist}/${name})
    list(APPEND dashboard_files /${name}=${dist}/${name})
  endif()
endforeach()
paramedic_embed(paramedic_dashboard dashboard_files ${dashboard_files})
