#include "hearing/whisper/compression_ratio.h"

#include <zlib.h>

#include <string>

namespace titans::hearing::whisper {

double compression_ratio(std::string_view text) {
    uLongf size = compressBound(text.size());
    std::string packed(size, '\0');
    // It has room for whatever comes out, so nothing can go wrong.
    compress(reinterpret_cast<Bytef*>(packed.data()), &size,
             reinterpret_cast<const Bytef*>(text.data()), text.size());
    return static_cast<double>(text.size()) / static_cast<double>(size);
}

}  // namespace titans::hearing::whisper
