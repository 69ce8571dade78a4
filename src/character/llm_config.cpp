#include "character/llm_config.h"

#include <array>

namespace titans::character {
namespace {

constexpr std::array<std::string_view, 7> kDevices{"auto", "cpu",   "cuda",  "gpu",
                                                   "mps",  "metal", "vulkan"};
constexpr std::array<std::string_view, 4> kDtypes{"auto", "float32", "float16", "bfloat16"};

}  // namespace

Result<LlmConfig> parse_llm_config(std::string_view json, SettingsReport* report) {
    SettingsReader reader("llm_config", json);
    LlmConfig config;
    std::string api_key;
    std::string device;
    std::string torch_dtype;
    reader.read(config.model_name, "model_name");
    reader.read(config.model_path, "model_path");
    reader.read(config.base_url, "base_url");
    reader.read(api_key, "api_key");
    reader.read(config.system_prompt, "system_prompt", 65'536);
    reader.read(config.generation.max_tokens, "max_tokens", 1, 32'768);
    reader.read(config.generation.temperature, "temperature", 0.0F, 2.0F);
    reader.read(config.generation.top_p, "top_p", 0.0F, 1.0F);
    reader.read(config.generation.top_k, "top_k", 0, 1000);
    reader.read(config.generation.min_p, "min_p", 0.0F, 1.0F);
    reader.read(config.generation.repeat_penalty, "repeat_penalty", 0.5F, 2.0F);
    reader.read(config.generation.stop_strings, "stop_tokens");
    std::optional<int> seed;
    reader.read(seed, "seed", 0, std::numeric_limits<int>::max());
    if (seed) config.generation.seed = static_cast<std::uint32_t>(*seed);
    reader.read(config.context_length, "context_length", 256, 1 << 20);
    reader.read(config.batch_size, "batch_size", 1, 16'384);
    reader.read(config.gpu_layers, "gpu_layers", -1, 1000);
    reader.read_one_of(device, "device", kDevices);
    reader.read_one_of(torch_dtype, "torch_dtype", kDtypes);
    reader.read(config.trust_remote_code, "trust_remote_code");
    if (reader.mistake()) return std::unexpected(*reader.mistake());
    if (api_key.find_first_of("\r\n") != std::string::npos)
        return fail(ErrorKind::InvalidInput, "llm_config.api_key: must be one line");
    config.api_key = Secret(std::move(api_key));
    if (report != nullptr) *report = reader.report();
    return config;
}

std::string with_api_key(std::string_view json, const Secret& api_key) {
    nlohmann::ordered_json object = parse_bounded(json, SettingsReader::kMaxDepth);
    object.erase("api_key");
    if (!api_key.empty()) object["api_key"] = api_key.reveal();
    return object.dump();
}

}  // namespace titans::character
