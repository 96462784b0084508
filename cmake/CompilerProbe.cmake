# Compiles and runs a small coroutine at configure time. GCC 12.2 (Debian 12's default) destroys temporaries that are born
# inside a co_await expression twice; everything that gantry does would rest on that. A compiler that passes is welcome.
if(CMAKE_CROSSCOMPILING)
    return()
endif()
set(CMAKE_TRY_COMPILE_CONFIGURATION Debug)
try_run(
    GANTRY_PROBE_RUNS GANTRY_PROBE_COMPILES
    "${CMAKE_BINARY_DIR}/compiler_probe" "${CMAKE_CURRENT_LIST_DIR}/compiler_probe.cpp"
    CMAKE_FLAGS -DCMAKE_CXX_STANDARD=20 -DCMAKE_CXX_STANDARD_REQUIRED=ON
    COMPILE_OUTPUT_VARIABLE GANTRY_PROBE_OUTPUT
)
if(NOT GANTRY_PROBE_COMPILES)
    message(FATAL_ERROR "This compiler does not build C++20 coroutines:\n${GANTRY_PROBE_OUTPUT}")
elseif(NOT GANTRY_PROBE_RUNS EQUAL 0)
    message(
        FATAL_ERROR
        "This compiler miscompiles coroutines: a temporary inside a co_await expression is not destroyed exactly once "
        "(seen with GCC 12). Use the presets, which take clang 19: cmake --preset dev"
    )
endif()
