#include "checkpoint/pickle.h"

#include <gmock/gmock.h>

#include "checkpoint/test_pytorch.h"

namespace titans::checkpoint {
namespace {

using testing::HasSubstr;
namespace code = test::pickle;

Result<Pickle> parse(const std::string& bytes) { return parse_pickle(test::bytes_of(bytes)); }

std::string error_of(const std::string& bytes) {
    const auto pickle = parse(bytes);
    return pickle ? "accepted" : pickle.error().message;
}

/// The value that `bytes` stop with, if it is a Value.
template <typename Value>
std::optional<Value> value_of(const std::string& bytes) {
    const auto pickle = parse(bytes);
    if (!pickle) return std::nullopt;
    const auto* const value = pickle->get_if<Value>(pickle->root);
    return value != nullptr ? std::optional(*value) : std::nullopt;
}

/// The name of what would have been called or built.
std::string opaque(const std::string& bytes) {
    const auto pickle = parse(bytes);
    if (!pickle) return pickle.error().message;
    const auto* const value = pickle->get_if<PickledOpaque>(pickle->root);
    if (value == nullptr) return "something else";
    return std::string(value->of.module) + ":" + std::string(value->of.name);
}

TEST(Pickle, ReadsNumbersOfEveryProtocol) {
    using std::string_literals::operator""s;
    const auto number = [](const std::string& bytes) { return value_of<std::int64_t>(bytes); };
    EXPECT_EQ(number("I-12\n."), -12);
    EXPECT_EQ(number("L123L\n."), 123);
    EXPECT_EQ(number("J\xff\xff\xff\xff."), -1);
    EXPECT_EQ(number("K\xff."), 255);
    EXPECT_EQ(number("M\x01\x02."), 0x201);
    EXPECT_EQ(number("\x8a\0."s), 0);
    EXPECT_EQ(number("\x8a\1\xff."), -1);
    EXPECT_EQ(number("\x8a\2\xff\0."s), 255);
    EXPECT_EQ(number("\x8b\1\0\0\0\x7f."s), 127);
    EXPECT_EQ(value_of<double>("F1.5\n."), 1.5);
    EXPECT_EQ(value_of<double>("G\x3f\xf8\0\0\0\0\0\0."s), 1.5);
    EXPECT_EQ(value_of<bool>("I01\n."), true);
    EXPECT_EQ(value_of<bool>("\x89."), false);
    EXPECT_TRUE(value_of<std::monostate>("N."));
    EXPECT_EQ(opaque("\x8a\x09" + std::string(9, '\1') + "."), ":a long number");
}

TEST(Pickle, ReadsTextOfEveryProtocol) {
    using std::string_literals::operator""s;
    const auto first = [](const std::string& bytes) {
        const auto pickle = parse(bytes);
        EXPECT_TRUE(pickle) << pickle.error().message;
        const auto* const text = pickle ? pickle->get_if<std::string_view>(pickle->root) : nullptr;
        return text != nullptr ? std::string(*text) : "no text";
    };
    for (const std::string& bytes :
         {"S'ab'\n."s, "Vab\n."s, "T\2\0\0\0ab."s, "U\2ab."s, "X\2\0\0\0ab."s, "B\2\0\0\0ab."s,
          "C\2ab."s, "\x8c\2ab."s, "\x8d\2\0\0\0\0\0\0\0ab."s, "\x8e\2\0\0\0\0\0\0\0ab."s,
          "\x96\2\0\0\0\0\0\0\0ab."s}) {
        EXPECT_EQ(first(bytes), "ab");
    }
}

TEST(Pickle, ReadsContainersHoweverTheyAreMade) {
    using std::string_literals::operator""s;
    const auto length = [](const std::string& bytes) -> std::size_t {
        const auto list = value_of<PickledSequence>(bytes);
        if (list) return list->items.size();
        const auto dict = value_of<PickledDict>(bytes);
        return dict ? 100 + dict->entries.size() : 999;
    };
    EXPECT_EQ(length("]."), 0);
    EXPECT_EQ(length("(K\1K\2l."), 2);
    EXPECT_EQ(length("(K\1K\2K\3t."), 3);
    EXPECT_EQ(length(")."), 0);
    EXPECT_EQ(length("K\1\x85."), 1);
    EXPECT_EQ(length("K\1K\2\x86."), 2);
    EXPECT_EQ(length("K\1K\2K\3\x87."), 3);
    EXPECT_EQ(length("]K\1a(K\2K\3e."), 3);
    EXPECT_EQ(length("\x8f(K\1\x90."), 1);
    EXPECT_EQ(length("(K\1\x91."), 1);
    EXPECT_EQ(length("}."), 100);
    EXPECT_EQ(length("(K\1K\2d."), 101);
    EXPECT_EQ(length("}K\1K\2s(K\3K\4K\5K\6u."), 103);
    EXPECT_EQ(length("\x80\4\x95\1\0\0\0\0\0\0\0]\x94K\1a."s), 1);
    EXPECT_EQ(length("]q\7K\1a0h\7."), 1);  // the list remembered, taken away, recalled
}

TEST(Pickle, MakesTensorsAndNothingElseOfCalls) {
    const std::string storage = code::storage("BFloat16Storage", "7", 6);
    const std::string bytes = code::program(code::tensor(storage, 1, {2, 2}, {2, 1}));
    const auto pickle = parse(bytes);
    ASSERT_TRUE(pickle) << pickle.error().message;
    const auto* const tensor = pickle->get_if<PickledTensor>(pickle->root);
    ASSERT_NE(tensor, nullptr);
    EXPECT_EQ(tensor->offset, 1);
    EXPECT_EQ(tensor->shape, (Shape{2, 2}));
    EXPECT_EQ(tensor->dtype, Dtype::BF16);
    EXPECT_EQ(pickle->get_if<PickledStorage>(tensor->storage)->key, "7");
    const std::string parameter =
        code::call(code::global("torch._utils", "_rebuild_parameter"),
                   code::tuple({code::tensor(storage, 0, {6}, {1}), "\x88", "}"}));
    EXPECT_TRUE(value_of<PickledTensor>(code::program(parameter)));
}

// REDUCE of whatever scanners missed (CVE-2025-1716: pip.main; CVE-2025-10157: a submodule's name),
// and each other instruction that makes Python call or import.
TEST(Pickle, RunsNothing) {
    const std::string command = code::tuple({code::text("echo owned")});
    for (const auto& [module, name] :
         {std::pair{"os", "system"}, std::pair{"posix", "system"}, std::pair{"builtins", "eval"},
          std::pair{"__builtin__", "exec"}, std::pair{"pip", "main"},
          std::pair{"subprocess", "Popen"}, std::pair{"torch.jit.annotations", "parse_type_line"},
          std::pair{"torch", "load"}, std::pair{"torch._utils._rebuild_tensor_v2", ""},
          std::pair{"collections", "OrderedDict.__reduce__"}}) {
        const std::string expected = std::string(module) + ":" + name;
        EXPECT_EQ(opaque(code::program(code::call(code::global(module, name), command))), expected);
        EXPECT_EQ(opaque(code::text(module) + code::text(name) + "\x93" + command + "\x81."),
                  expected);
        EXPECT_EQ(opaque(code::global(module, name) + command + "}\x92."), expected);
        EXPECT_EQ(opaque("(" + code::global(module, name) + code::text("echo owned") + "o."),
                  expected);
        EXPECT_EQ(opaque("(" + code::text("echo owned") + "i" + module + "\n" + name + "\n."),
                  expected);
        EXPECT_EQ(opaque(code::global(module, name) + ")R}(" + code::text("__setstate__") +
                         command + "ub."),
                  expected);
    }
    EXPECT_EQ(opaque("\x82\7."), ":an extension code");
    EXPECT_EQ(opaque("\x83\7\1."), ":an extension code");
    EXPECT_EQ(opaque("\x84\7\1\1\1."), ":an extension code");
    EXPECT_EQ(opaque("Panything\n."), ":a persistent id");
    EXPECT_EQ(opaque(code::text("anything") + "Q."), ":a persistent id");
    EXPECT_EQ(opaque("\x97."), ":a buffer outside the file");
    // What is called is itself made by a call.
    EXPECT_EQ(opaque(code::program(
                  code::call(code::call(code::global("builtins", "getattr"), command), command))),
              "builtins:getattr");
    EXPECT_EQ(opaque(code::program(code::call(code::text("system"), command))), ":a value");
}

TEST(Pickle, TakesATensorWithAttributesForNoTensor) {
    const std::string tensor = code::tensor(code::storage("FloatStorage", "0", 6), 0, {6}, {1});
    EXPECT_EQ(opaque(code::program(tensor + "}b")), ":a value with attributes");
    EXPECT_TRUE(value_of<PickledDict>(
        code::program(code::call(code::global("collections", "OrderedDict"), ")") + "}b")));
}

TEST(Pickle, TakesOnlyWholeTensorsForTensors) {
    const std::string storage = code::storage("FloatStorage", "0", 6);
    const auto is_tensor = [](const std::string& value) {
        return value_of<PickledTensor>(code::program(value)).has_value();
    };
    const Shape deep(9, 1);
    EXPECT_TRUE(is_tensor(code::tensor(storage, 0, {6}, {1})));
    EXPECT_FALSE(is_tensor(code::tensor(storage, -1, {6}, {1})));
    EXPECT_FALSE(is_tensor(code::tensor(storage, 0, {-6}, {1})));
    EXPECT_FALSE(is_tensor(code::tensor(storage, 0, {6}, {-1})));
    EXPECT_FALSE(is_tensor(code::tensor(storage, 0, {6}, {1, 1})));
    EXPECT_FALSE(is_tensor(code::tensor(storage, 0, deep, deep)));
    EXPECT_FALSE(is_tensor(code::tensor("N", 0, {6}, {1})));
    EXPECT_FALSE(is_tensor(code::tensor(code::storage("FloatStorage", "0", -6), 0, {6}, {1})));
    EXPECT_FALSE(is_tensor(code::call(code::global("torch._utils", "_rebuild_tensor_v2"), ")")));
}

TEST(Pickle, RefusesWhatTakesMoreThanThereIs) {
    using std::string_literals::operator""s;
    for (const std::string& bytes :
         {""s, "K"s, "K\1"s, "J\1\2."s, "X\xff\xff\xff\xffz."s, "X\5\0\0\0abc."s,
          "\x8d\xff\xff\xff\xff\xff\xff\xff\xffz."s, "\x95\xff\0\0\0\0\0\0\0N."s, "Vabc"s,
          "cos\nsys"s, "\x8b\xff\xff\xff\xff\1."s}) {
        EXPECT_THAT(error_of(bytes), testing::StartsWith("its pickle "));
    }
}

TEST(Pickle, RefusesInstructionsOutOfPlace) {
    EXPECT_THAT(error_of("."), HasSubstr("not there"));
    EXPECT_THAT(error_of("\x87."), HasSubstr("not there"));
    EXPECT_THAT(error_of("R."), HasSubstr("not there"));
    EXPECT_THAT(error_of("2."), HasSubstr("not there"));
    EXPECT_THAT(error_of("K\1(\x85."), HasSubstr("not there"));  // from below the mark
    EXPECT_THAT(error_of("t."), HasSubstr("no mark"));
    EXPECT_THAT(error_of("1."), HasSubstr("no mark"));
    EXPECT_THAT(error_of("(o."), HasSubstr("no class"));
    EXPECT_THAT(error_of("h\7."), HasSubstr("recalls"));
    EXPECT_THAT(error_of("q\7."), HasSubstr("not there"));
    EXPECT_THAT(error_of("\xff."), HasSubstr("instruction"));
    EXPECT_THAT(error_of("K\1K\2\x93."), HasSubstr("no text"));
    EXPECT_THAT(error_of("Ix\n."), HasSubstr("number"));
    EXPECT_THAT(error_of("Sab\n."), HasSubstr("quotes"));
    EXPECT_THAT(error_of("(K\1d."), HasSubstr("without a value"));
    EXPECT_THAT(error_of("\x80\6N."), HasSubstr("later protocol"));
}

// CVE-2026-24747: SETITEM on a tensor or a storage wrote into it.
TEST(Pickle, SetsNothingInWhatIsNoDictionary) {
    const std::string storage = code::storage("FloatStorage", "0", 6);
    const std::string tensor = code::tensor(storage, 0, {6}, {1});
    for (const std::string& target : {storage, tensor, code::text("text"), std::string("]")}) {
        EXPECT_THAT(error_of(code::program(target + "K\1K\2s")), HasSubstr("no dictionary"));
        EXPECT_THAT(error_of(code::program(target + "(K\1K\2u")), HasSubstr("no dictionary"));
    }
    EXPECT_THAT(error_of(code::program(tensor + "K\1a")), HasSubstr("no list"));
    EXPECT_THAT(error_of(code::program(tensor + "(K\1e")), HasSubstr("no list"));
}

TEST(Pickle, RefusesBombs) {
    using std::string_literals::operator""s;
    constexpr std::size_t kMany = 2 << 20;
    EXPECT_THAT(error_of(std::string(kMany, ']') + "."), HasSubstr("too many"));
    EXPECT_THAT(error_of("N" + std::string(kMany, '2') + "."), HasSubstr("too many"));
    EXPECT_THAT(error_of(std::string(kMany, '(') + "."), HasSubstr("too many"));
    EXPECT_THAT(error_of("N" + std::string(kMany, '\x94') + "."), HasSubstr("too many"));
    // A place of the memory far away costs no more than one nearby.
    EXPECT_EQ(error_of("Nr\xff\xff\xff\xff."), "accepted");
    EXPECT_EQ(error_of("Np18446744073709551615\n."), "accepted");
    // A list in a list, a hundred thousand deep, and one that holds itself.
    std::string deep = "]";
    for (int i = 0; i < 100'000; ++i) deep += "\x85";
    EXPECT_EQ(error_of(deep + "."), "accepted");
    EXPECT_EQ(error_of("]q\0h\0a."s), "accepted");
}

}  // namespace
}  // namespace titans::checkpoint
