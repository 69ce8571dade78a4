#include "checkpoint/convert.h"

#include <print>

#include "app/words.h"
#include "checkpoint/sandbox.h"
#include "foundation/log.h"

namespace titans::app {

int complain(std::string_view sentence) {
    std::println(stderr, "titans: {}", sentence);
    return 1;
}

int convert(Arguments arguments) {
    const auto conversion = arguments.size() == 3 ? checkpoint::find_conversion(arguments[0])
                                                  : std::optional<checkpoint::Conversion>();
    if (!conversion)
        return complain(
            "usage: titans convert whisper|wav2vec2|hubert|f5tts|f5tts-base|vocos|bert|"
            "requantize|onnx IN OUT");
    // A foreign file is read below: from here on this process can do no more than that.
    const auto sandbox = checkpoint::enter_sandbox({});
    if (!sandbox) return complain(sandbox.error().message);
    log::debug("convert.sandbox", "got=\"{}\"", *sandbox);
    const Result<void> done = checkpoint::convert(*conversion, arguments[1], arguments[2]);
    if (!done) return complain(std::format("{} {}", done.error().message, done.error().detail));
    return 0;
}

}  // namespace titans::app
