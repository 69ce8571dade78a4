// make_checkpoints FOLDER: small PyTorch files of every form that is read or refused, for
// corpus/checkpoints.

#include "checkpoint/test_pytorch.h"

using namespace titans::checkpoint;
namespace code = test::pickle;

namespace {

/// A state of tensors in many ways, and what is not read.
std::string state() {
    const std::string storage = code::storage("FloatStorage", "0", 6);
    const std::string matrix = code::tensor(storage, 0, {2, 3}, {3, 1});
    const std::string parameter = code::call(code::global("torch._utils", "_rebuild_parameter"),
                                             code::tuple({matrix, "\x88", "}"}));
    const std::string command =
        code::call(code::global("os", "system"), code::tuple({code::text("true")}));
    return code::dict({{"model", code::dict({{"matrix", matrix},
                                             {"columns", code::tensor(storage, 0, {3, 2}, {1, 3})},
                                             {"one", code::tensor(storage, 5, {}, {})},
                                             {"repeated", code::tensor(storage, 1, {4}, {0})},
                                             {"parameter", parameter}})},
                       {"dims", code::dict({{"n_mels", code::number(80)}})},
                       {"list", "(" + matrix + "l"},
                       {"command", command},
                       {"object", "(" + code::global("builtins", "eval") + "o}b"},
                       {"instance", "(ios\nsystem\n"}});
}

/// The instructions of the later protocols and of the first one.
std::string instructions() {
    using std::string_literals::operator""s;
    return "\x80\4\x95\x30\0\0\0\0\0\0\0}\x94(\x8c\1aK\1\x8c\1bM\1\1\x8c\1cJ\1\0\0\0\x8c\1d"
           "G\x3f\xf0\0\0\0\0\0\0\x8c\1e\x8a\1\1\x8c\1f\x8f(K\1\x90\x8c\1g(N\x91u0"s +
           "(dp0\nS'a'\nI1\nsVb\nF1.5\ns(lp1\nL5L\na0(t0K\1\x85K\1K\2\x86K\1K\2K\3\x87g0\n"
           "\x82\1\x8c\2os\x8c\6system\x93)R.";
}

}  // namespace

int main(int count, char** words) {
    if (count != 2) return 1;
    const test::Storages storages{{"0", test::ramp("", {6}, 0).bytes}};
    const std::string pickle = code::program(state());
    const std::pair<const char*, std::string> files[] = {
        {"pytorch", test::pytorch_archive(state(), storages)},
        {"pytorch-deflated", test::pytorch_archive(state(), storages, true)},
        {"pytorch-64", test::zip({{"a/data.pkl", pickle}, {"a/data/0", storages[0].second}}, true)},
        {"pytorch-old", test::pytorch_pickles(state(), storages)},
        {"pickle", pickle},
        {"pickle-instructions", instructions()},
    };
    for (const auto& [name, bytes] : files) {
        std::ofstream file(std::filesystem::path(words[1]) / name, std::ios::binary);
        if (!(file << bytes).flush()) return 1;
    }
    return 0;
}
