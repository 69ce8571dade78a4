#include "checkpoint/convert.h"

#include "checkpoint/bert_checkpoint.h"
#include "checkpoint/ctc_checkpoint.h"
#include "checkpoint/f5tts_checkpoint.h"
#include "checkpoint/gguf_writer.h"
#include "checkpoint/onnx.h"
#include "checkpoint/output_file.h"
#include "checkpoint/vocos_checkpoint.h"
#include "checkpoint/whisper_checkpoint.h"
#include "engine/llama/requantize.h"

namespace titans::checkpoint {
namespace {

namespace fs = std::filesystem;

Result<void> convert_requantize(const fs::path& file, const fs::path& output) {
    TITANS_TRY(OutputFile out, OutputFile::create(output));
    TITANS_TRY_VOID(engine::requantize(file, out.temporary()));
    return out.commit();
}

Result<void> convert_onnx(const fs::path& file, const fs::path& output) {
    TITANS_TRY(const OnnxFile model, OnnxFile::open(file));
    TITANS_TRY(OutputFile out, OutputFile::create(output));
    TITANS_TRY_VOID(write_gguf(model.tensors(), out.stream()));
    return out.commit();
}

}  // namespace

std::optional<Conversion> find_conversion(std::string_view word) {
    if (word == "whisper") return Conversion::Whisper;
    if (word == "wav2vec2" || word == "hubert") return Conversion::Ctc;
    if (word == "f5tts") return Conversion::F5tts;
    if (word == "f5tts-base") return Conversion::F5ttsBase;
    if (word == "vocos") return Conversion::Vocos;
    if (word == "bert") return Conversion::Bert;
    if (word == "requantize") return Conversion::Requantize;
    if (word == "onnx") return Conversion::Onnx;
    return std::nullopt;
}

Result<void> convert(Conversion conversion, const fs::path& input, const fs::path& output) {
    switch (conversion) {
        case Conversion::Whisper:
            return convert_whisper(input, output);
        case Conversion::Ctc:
            return convert_ctc(input, output);
        case Conversion::F5tts:
            return convert_f5tts(F5ttsVariant::V1Base, input, output);
        case Conversion::F5ttsBase:
            return convert_f5tts(F5ttsVariant::Base, input, output);
        case Conversion::Vocos:
            return convert_vocos(input, output);
        case Conversion::Bert:
            return convert_bert(input, output);
        case Conversion::Requantize:
            return convert_requantize(input, output);
        case Conversion::Onnx:
            return convert_onnx(input, output);
    }
    std::unreachable();
}

}  // namespace titans::checkpoint
