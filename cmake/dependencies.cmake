# Foreign libraries, each with the reason in ../shared/design.md section 13 or docs/decisions/.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED CONFIG COMPONENTS json)
find_package(OpenSSL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(CURL 7.85 REQUIRED)
find_package(Snappy REQUIRED CONFIG)
find_path(PROTOZERO_INCLUDE_DIR protozero/pbf_writer.hpp REQUIRED)
add_library(paramedic_protozero INTERFACE)
target_include_directories(paramedic_protozero SYSTEM INTERFACE ${PROTOZERO_INCLUDE_DIR})

# Not by its CMake package either: 2022-06 has none.
find_path(RE2_INCLUDE re2/re2.h REQUIRED)
find_library(RE2_LIBRARY re2 REQUIRED)
add_library(paramedic_re2 INTERFACE)
target_include_directories(paramedic_re2 SYSTEM INTERFACE ${RE2_INCLUDE})
target_link_libraries(paramedic_re2 INTERFACE ${RE2_LIBRARY})

# Not by its CMake package, whose name and targets differ between 0.14 and 1.x.
find_path(HIREDIS_INCLUDE hiredis/hiredis.h REQUIRED)
find_library(HIREDIS_LIBRARY hiredis REQUIRED)
add_library(paramedic_hiredis INTERFACE)
target_include_directories(paramedic_hiredis SYSTEM INTERFACE ${HIREDIS_INCLUDE})
target_link_libraries(paramedic_hiredis INTERFACE ${HIREDIS_LIBRARY})

find_path(CCTZ_INCLUDE cctz/time_zone.h REQUIRED)
find_library(CCTZ_LIBRARY cctz REQUIRED)
add_library(paramedic_cctz INTERFACE)
target_include_directories(paramedic_cctz SYSTEM INTERFACE ${CCTZ_INCLUDE})
target_link_libraries(paramedic_cctz INTERFACE ${CCTZ_LIBRARY})

# sd-bus, for the executor `systemd`. Without it everything else is built, and that executor says so.
find_path(SYSTEMD_INCLUDE systemd/sd-bus.h)
find_library(SYSTEMD_LIBRARY systemd)
add_library(paramedic_systemd INTERFACE)
if(SYSTEMD_INCLUDE AND SYSTEMD_LIBRARY)
  target_include_directories(paramedic_systemd SYSTEM INTERFACE ${SYSTEMD_INCLUDE})
  target_link_libraries(paramedic_systemd INTERFACE ${SYSTEMD_LIBRARY})
  target_compile_definitions(paramedic_systemd INTERFACE PARAMEDIC_SYSTEMD)
else()
  message(WARNING "libsystemd (package libsystemd-dev) is missing: built without the executor `systemd`")
endif()

add_library(paramedic_asio INTERFACE)
target_link_libraries(paramedic_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(paramedic_asio INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  BOOST_BEAST_SEPARATE_COMPILATION BOOST_BEAST_USE_STD_STRING_VIEW)

if(PARAMEDIC_TESTS OR PARAMEDIC_BENCH)
  find_package(GTest REQUIRED)
  find_library(RAPIDCHECK_LIBRARY rapidcheck REQUIRED)
  add_library(paramedic_testing INTERFACE)
  target_link_libraries(paramedic_testing INTERFACE GTest::gmock GTest::gtest_main ${RAPIDCHECK_LIBRARY})
endif()
