# Third-party libraries, all from the distribution. ARCHITECTURE.md says what each is for.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(DCMTK 3.6.7 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG 1.6 REQUIRED)
find_package(GIF 5 REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(prometheus-cpp REQUIRED CONFIG)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(OPENJPEG REQUIRED IMPORTED_TARGET libopenjp2>=2.5)
pkg_check_modules(TURBOJPEG REQUIRED IMPORTED_TARGET libturbojpeg>=2)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)

# Asio and Beast as every target sees them: one executor type, no deprecated names, headers only.
add_library(gantry_asio INTERFACE)
target_link_libraries(gantry_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(
    gantry_asio
    INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_HAS_CO_AWAIT BOOST_ASIO_DISABLE_BOOST_COROUTINE
)
