#include "api/docs_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/openapi.h"

namespace titans::api {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

/// Every {"$ref": ...} below `item`.
void collect_references(const json& item, std::vector<std::string>& references) {
    if (item.is_object() && item.contains("$ref")) references.push_back(item["$ref"]);
    for (const auto& child : item) {
        if (child.is_structured()) collect_references(child, references);
    }
}

TEST(OpenApi, HasTheVersionAndNoReferenceToNothing) {
    const json description = openapi_description("1.2.3");
    EXPECT_EQ(description["info"]["version"], "1.2.3");
    std::vector<std::string> references;
    collect_references(description, references);
    EXPECT_GT(references.size(), 50U);
    for (const std::string& reference : references) {
        EXPECT_TRUE(description.contains(json::json_pointer(reference.substr(1)))) << reference;
    }
}

TEST(DocsPage, ShowsEveryEndpointAndField) {
    const json description = openapi_description("1.2.3");
    const std::string page = docs_page(description);
    for (const auto& [path, operations] : description["paths"].items())
        EXPECT_THAT(page, HasSubstr("<code>" + path + "</code>"));
    for (const char* word : {"knowledge_mode", "session_id", "uptime_seconds", "415", "1.2.3"})
        EXPECT_THAT(page, HasSubstr(word));
}

TEST(DocsPage, NeedsNothingFromElsewhere) {
    const std::string page = docs_page(openapi_description("1"));
    for (const char* word : {"<script", "src=", "@import", "url(", "http://", "https://"})
        EXPECT_THAT(page, Not(HasSubstr(word)));
}

TEST(DocsPage, TakesTextForText) {
    json description = openapi_description("1");
    description["paths"] = {
        {"/<b>", {{"get", {{"summary", "<script>\"&"}, {"responses", json::object()}}}}}};
    const std::string page = docs_page(description);
    EXPECT_THAT(page, Not(HasSubstr("<script>")));
    EXPECT_THAT(page, HasSubstr("&lt;script&gt;&quot;&amp;"));
}

}  // namespace
}  // namespace titans::api
