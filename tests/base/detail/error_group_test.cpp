// SPDX-License-Identifier: MIT
#include <virtq/base/detail/error_group.hpp>
#include <virtq/base/error.hpp>

#include <gtest/gtest.h>

#include <string_view>

namespace virtq::detail {

namespace {

template <ErrorGroup group>
std::string_view text_of(Error error) {
    return find_description<sentence_in<Error, group>>(
        descriptions<sentence_in<Error, group>, 'E', Wording::sentences>.text, error);
}

std::string_view text_in_its_group(Error error) {
    switch (group_of(error)) {
        case ErrorGroup::common: return text_of<ErrorGroup::common>(error);
        case ErrorGroup::pci_placement: return text_of<ErrorGroup::pci_placement>(error);
        case ErrorGroup::msix: return text_of<ErrorGroup::msix>(error);
        case ErrorGroup::pci: return text_of<ErrorGroup::pci>(error);
        case ErrorGroup::discovery: return text_of<ErrorGroup::discovery>(error);
        case ErrorGroup::further_calls: return text_of<ErrorGroup::further_calls>(error);
        case ErrorGroup::further_drivers: return text_of<ErrorGroup::further_drivers>(error);
    }
    return {};
}

TEST(ErrorGroup, HasTheSentenceOfEachOfItsErrors) {
    for (unsigned number = 0; number < value_count<error_sentence<Error>>; ++number) {
        auto const error = static_cast<Error>(number);
        EXPECT_EQ(text_in_its_group(error), error_sentence(error)) << number;
    }
}

TEST(ErrorGroup, HasNoSentenceOfAnotherGroup) {
    for (unsigned number = 0; number < value_count<error_sentence<Error>>; ++number) {
        auto const error = static_cast<Error>(number);
        bool const is_common = group_of(error) == ErrorGroup::common;
        EXPECT_EQ(text_of<ErrorGroup::common>(error) == error_sentence(error), is_common) << number;
    }
}

TEST(ErrorGroup, OfAnUnknownErrorSaysThatItIsUnknown) {
    EXPECT_EQ(error_sentence(static_cast<Error>(255)), nullptr);
    EXPECT_EQ(text_of<ErrorGroup::further_drivers>(static_cast<Error>(255)), "Unknown.");
    EXPECT_EQ(text_of<ErrorGroup::pci>(Error::none), "Unknown.");
}

}  // namespace

}  // namespace virtq::detail
