#pragma once

#include <ggml-cpp.h>
#include <ggml.h>
#include <gguf.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/test_files.h"

namespace titans::checkpoint::test {

/// A GGUF file that a conversion has written, read by libggml.
class ConvertedFile {
public:
    explicit ConvertedFile(const std::filesystem::path& path) : bytes_(read(path)) {
        ggml_context* shapes = nullptr;
        header_.reset(gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = &shapes}));
        shapes_.reset(shapes);
    }

    bool is_open() const { return header_ != nullptr; }
    bool has(const char* key) const { return gguf_find_key(header_.get(), key) >= 0; }
    std::uint32_t number(const char* key) const { return gguf_get_val_u32(header_.get(), id(key)); }
    float fraction(const char* key) const { return gguf_get_val_f32(header_.get(), id(key)); }
    bool truth(const char* key) const { return gguf_get_val_bool(header_.get(), id(key)); }
    std::string word(const char* key) const { return gguf_get_val_str(header_.get(), id(key)); }

    std::vector<std::int32_t> numbers(const char* key) const {
        const auto* const data =
            static_cast<const std::int32_t*>(gguf_get_arr_data(header_.get(), id(key)));
        return {data, data + gguf_get_arr_n(header_.get(), id(key))};
    }

    std::vector<std::string> words(const char* key) const {
        std::vector<std::string> words;
        for (std::size_t i = 0; i < gguf_get_arr_n(header_.get(), id(key)); ++i)
            words.emplace_back(gguf_get_arr_str(header_.get(), id(key), i));
        return words;
    }

    std::int64_t tensors() const { return gguf_get_n_tensors(header_.get()); }
    bool has_tensor(const char* name) const { return gguf_find_tensor(header_.get(), name) >= 0; }

    /// The values of an F32 tensor.
    std::vector<float> values(const char* name) const {
        const ggml_tensor* const shape = ggml_get_tensor(shapes_.get(), name);
        if (shape == nullptr || shape->type != GGML_TYPE_F32) return {};
        std::vector<float> values(ggml_nelements(shape));
        const std::size_t place =
            gguf_get_data_offset(header_.get()) +
            gguf_get_tensor_offset(header_.get(), gguf_find_tensor(header_.get(), name));
        std::memcpy(values.data(), bytes_.data() + place, values.size() * sizeof(float));
        return values;
    }

private:
    std::int64_t id(const char* key) const { return gguf_find_key(header_.get(), key); }

    std::string bytes_;
    gguf_context_ptr header_;
    ggml_context_ptr shapes_;
};

}  // namespace titans::checkpoint::test
