#include "api/docs_page.h"

#include <format>

namespace titans::api {
namespace {

using nlohmann::json;

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --line: light-dark(#ddd, #444); --soft: light-dark(#f4f4f2, #222); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  background: light-dark(#fff, #161616); color: light-dark(#1c1c1c, #e4e4e4); }
h2 { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; font-size: 1.15rem; }
h3 { font-size: 1rem; margin-bottom: .3rem; }
code, pre { font: .9em/1.45 ui-monospace, monospace; background: var(--soft); border-radius: 4px; }
code { padding: .1em .3em; } pre { padding: .7rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); padding: .3rem .8rem .3rem 0; }
.method { font-weight: 700; color: light-dark(#0a5, #4c9); }
)";

std::string escape(std::string_view text) {
    std::string html;
    for (const char c : text) {
        switch (c) {
            case '&':
                html += "&amp;";
                break;
            case '<':
                html += "&lt;";
                break;
            case '>':
                html += "&gt;";
                break;
            case '"':
                html += "&quot;";
                break;
            default:
                html += c;
        }
    }
    return html;
}

/// `item` itself, or what its $ref ("#/components/...") points to.
const json& resolve(const json& openapi, const json& item) {
    if (!item.contains("$ref")) return item;
    return openapi.at(json::json_pointer(item["$ref"].get<std::string>().substr(1)));
}

std::string type_name(const json& openapi, const json& schema) {
    const json& resolved = resolve(openapi, schema);
    if (resolved.contains("enum")) {
        std::string names;
        for (const json& name : resolved["enum"])
            names += std::format("{}{}", names.empty() ? "" : " | ", name.dump());
        return names;
    }
    if (resolved.contains("anyOf") || resolved.contains("oneOf")) {
        std::string names;
        for (const json& one : resolved.contains("anyOf") ? resolved["anyOf"] : resolved["oneOf"])
            names += (names.empty() ? "" : " or ") + type_name(openapi, one);
        return names;
    }
    if (!resolved.contains("type")) return "any";
    if (resolved["type"].is_array()) {
        std::string names;
        for (const json& name : resolved["type"])
            names += (names.empty() ? "" : " or ") + name.get<std::string>();
        return names;
    }
    if (resolved["type"] == "array" && resolved.contains("items"))
        return "list of " + type_name(openapi, resolved["items"]);
    if (resolved.value("contentMediaType", "") == "application/octet-stream") return "file";
    return resolved["type"];
}

/// A table of an object's properties.
std::string properties_html(const json& openapi, const json& schema) {
    const json& resolved = resolve(openapi, schema);
    if (!resolved.contains("properties")) return "";
    const json required = resolved.value("required", json::array());
    std::string rows;
    for (const auto& [name, given] : resolved["properties"].items()) {
        std::string description = given.value("description", "");
        if (description.empty()) description = resolve(openapi, given).value("description", "");
        const bool needed = std::ranges::contains(required, json(name));
        rows +=
            std::format("<tr><td><code>{}</code>{}</td><td>{}</td><td>{}</td></tr>", escape(name),
                        needed ? " *" : "", escape(type_name(openapi, given)), escape(description));
    }
    return std::format("<table>{}</table>", rows);
}

std::string content_html(const json& openapi, const json& content) {
    std::string html;
    for (const auto& [media_type, body] : content.items()) {
        html += std::format("<p><code>{}</code></p>", escape(media_type));
        if (body.contains("schema")) html += properties_html(openapi, body["schema"]);
        if (body.contains("example"))
            html += std::format("<pre>{}</pre>", escape(body["example"].dump(2)));
    }
    return html;
}

std::string operation_html(const json& openapi, std::string method, const std::string& path,
                           const json& operation) {
    for (char& c : method) c = static_cast<char>(std::toupper(c));
    std::string html = std::format(
        "<h2><span class=\"method\">{}</span> <code>{}</code></h2><p>{}</p>", method, escape(path),
        escape(operation.value("description", operation.value("summary", ""))));
    if (operation.contains("parameters")) {
        html += "<h3>Parameters</h3><table>";
        for (const json& given : operation["parameters"]) {
            const json& parameter = resolve(openapi, given);
            html +=
                std::format("<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                            escape(parameter.value("name", "")), escape(parameter.value("in", "")),
                            escape(parameter.value("description", "")));
        }
        html += "</table>";
    }
    if (operation.contains("requestBody"))
        html += "<h3>Body</h3>" + content_html(openapi, operation["requestBody"]["content"]);
    html += "<h3>Answers</h3><table>";
    for (const auto& [status, given] : operation["responses"].items()) {
        html += std::format("<tr><td><code>{}</code></td><td>{}</td></tr>", escape(status),
                            escape(resolve(openapi, given).value("description", "")));
    }
    html += "</table>";
    for (const auto& [status, given] : operation["responses"].items()) {
        const json& response = resolve(openapi, given);
        if (status.starts_with('2') && response.contains("content"))
            html += content_html(openapi, response["content"]);
    }
    return html;
}

}  // namespace

std::string docs_page(const json& openapi) {
    const std::string title = escape(openapi["info"].value("title", ""));
    std::string html = std::format(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\"><title>{0}</title><style>{1}</style></head><body>"
        "<h1>{0} {2}</h1><p>{3}</p><p>Fields marked * are required. <a href=\"/openapi.json\">"
        "openapi.json</a> says the same for programs.</p>",
        title, kStyle, escape(openapi["info"].value("version", "")),
        escape(openapi["info"].value("description", "")));
    for (const auto& [path, operations] : openapi["paths"].items()) {
        for (const auto& [method, operation] : operations.items())
            html += operation_html(openapi, method, path, operation);
    }
    return html + "</body></html>\n";
}

}  // namespace titans::api
