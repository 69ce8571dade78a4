#include "text/spoken_form.h"

#include "text/sentence_speller.h"

namespace titans::text {

SpokenForm::SpokenForm(std::string_view language)
    : speller_(std::make_unique<SentenceSpeller>(language)) {}
SpokenForm::~SpokenForm() = default;

std::string SpokenForm::of(std::string_view text) { return speller_->of(text); }

}  // namespace titans::text
