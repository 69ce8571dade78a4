#include "foundation/machine.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <ranges>
#include <thread>

namespace titans {
namespace {

// Of x86, then of Arm, as Linux spells them.
constexpr std::array<std::string_view, 17> kFeatures{
    "avx",      "avx2",        "fma",         "f16c",     "avx512f",  "avx512_vnni",
    "avx_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16",
    "asimd",    "asimddp",     "i8mm",        "bf16",     "sve"};

std::string read_file(const char* path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string_view trim(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// What stands behind the colon in the first line of that name.
std::string_view value_of(std::string_view text, std::string_view name) {
    for (const auto part : std::views::split(text, '\n')) {
        const std::string_view line(part.begin(), part.end());
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos && trim(line.substr(0, colon)) == name)
            return trim(line.substr(colon + 1));
    }
    return {};
}

std::uint64_t leading_number(std::string_view text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

}  // namespace

Processor parse_processor(std::string_view cpuinfo) {
    Processor processor;
    processor.name = value_of(cpuinfo, "model name");
    std::string_view flags = value_of(cpuinfo, "flags");
    if (flags.empty()) flags = value_of(cpuinfo, "Features");
    for (const auto part : std::views::split(flags, ' ')) {
        const std::string_view flag(part.begin(), part.end());
        if (std::ranges::contains(kFeatures, flag)) processor.features.emplace_back(flag);
    }
    return processor;
}

Processor read_processor() {
    Processor processor = parse_processor(read_file("/proc/cpuinfo"));
    processor.cores = static_cast<int>(std::thread::hardware_concurrency());
    return processor;
}

Memory parse_memory(std::string_view statm, std::string_view meminfo, std::uint64_t page) {
    constexpr std::uint64_t kKilobyte = 1024;
    const std::size_t space = statm.find(' ');
    const std::string_view resident =
        space == std::string_view::npos ? std::string_view() : statm.substr(space + 1);
    return {.resident = leading_number(resident) * page,
            .available = leading_number(value_of(meminfo, "MemAvailable")) * kKilobyte,
            .total = leading_number(value_of(meminfo, "MemTotal")) * kKilobyte};
}

Memory read_memory() {
    return parse_memory(read_file("/proc/self/statm"), read_file("/proc/meminfo"),
                        static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
}

}  // namespace titans
