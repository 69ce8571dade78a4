# The functions that the folders' CMakeLists.txt are written in.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)  # headers, not modules

find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# titans_package(TARGET NAME...): an imported target PkgConfig::TARGET for the pkg-config packages NAME.
function(titans_package target)
    pkg_check_modules(${target} REQUIRED IMPORTED_TARGET GLOBAL ${ARGN})
endfunction()

function(titans_compile_options target)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Werror -Wno-missing-field-initializers)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # False alarms of g++ 16 in its own coroutine and std::variant code at -O2.
        target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
    endif()
    target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    if(NOT target STREQUAL titans_foundation)
        target_precompile_headers(${target} REUSE_FROM titans_foundation)
    endif()
endfunction()

# titans_module(NAME USES folder... SOURCES file... TESTS file... LIBRARIES library...)
#
# The library titans_NAME of the folder src/NAME. USES names the folders whose headers it may include, which the
# test `neighbours` holds it to. TESTS become one GoogleTest program, NAME_test. LIBRARIES are third parties'.
function(titans_module name)
    cmake_parse_arguments(PARSE_ARGV 1 MODULE "" "" "USES;SOURCES;TESTS;LIBRARIES")
    add_library(titans_${name} STATIC ${MODULE_SOURCES})
    titans_compile_options(titans_${name})
    list(TRANSFORM MODULE_USES PREPEND titans_ OUTPUT_VARIABLE uses)
    target_link_libraries(titans_${name} PUBLIC ${uses} Threads::Threads PRIVATE ${MODULE_LIBRARIES})
    if(MODULE_TESTS AND BUILD_TESTING)
        find_package(GTest REQUIRED)
        include(GoogleTest)
        add_executable(${name}_test ${MODULE_TESTS})
        titans_compile_options(${name}_test)
        target_link_libraries(${name}_test PRIVATE titans_${name} ${MODULE_LIBRARIES} GTest::gmock GTest::gtest_main)
        gtest_discover_tests(${name}_test TEST_PREFIX ${name}. TEST_FILTER "-*/Gpu" DISCOVERY_TIMEOUT 60
                             PROPERTIES TIMEOUT 300)
    endif()
endfunction()

# titans_on_gpu(TEST): it needs a GPU that ggml can use, and says "no GPU" where there is none, which skips it. Vulkan
# lists a driver that computes on the processor only if it is named. Such a driver gets products by matrix units wrong.
function(titans_on_gpu test)
    set_tests_properties(${test} PROPERTIES TIMEOUT 600 SKIP_REGULAR_EXPRESSION "no (such )?GPU"
        ENVIRONMENT "GGML_VK_VISIBLE_DEVICES=0;GGML_VK_DISABLE_COOPMAT=1;GGML_VK_DISABLE_F16=1")
endfunction()

# Adds the test that fails on an #include outside the folders that a module's USES names.
function(titans_check_neighbours)
    find_package(Python3 REQUIRED COMPONENTS Interpreter)
    add_test(NAME neighbours COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/cmake/neighbours.py ${CMAKE_SOURCE_DIR}/src)
endfunction()
