// SPDX-License-Identifier: MIT
// EXPECT: 'words' (is not a member of|in) 'virtq::detail::Wording
#define VIRTQ_SENTENCES words
#include <virtq/virtq.hpp>
