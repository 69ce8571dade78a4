// A character's settings and the operator's .env file.

#include "character/llm_config.h"
#include "config/dotenv.h"

using namespace titans;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    character::SettingsReport report;
    if (character::parse_llm_config(text, &report)) {
        static_cast<void>(character::with_api_key(text, Secret("key")));
    }
    static_cast<void>(config::parse_dotenv(text));
    return 0;
}
