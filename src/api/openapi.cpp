#include "api/openapi.h"

#include <cassert>

namespace titans::api {
namespace {

constexpr unsigned char kDescription[] = {
#embed "openapi.json"
};

}  // namespace

nlohmann::json openapi_description(const std::string& version) {
    nlohmann::json description =
        nlohmann::json::parse(std::begin(kDescription), std::end(kDescription), nullptr,
                              /*allow_exceptions=*/false);
    assert(description.is_object());
    description["info"]["version"] = version;
    return description;
}

}  // namespace titans::api
