// SPDX-License-Identifier: MIT
#pragma once

namespace virtq::spec {

/// The version of the standard that the library implements, named only here. Every `§` is a section of it.
inline constexpr char const* version = "VIRTIO 1.4 CS01 (8 April 2026)";

}  // namespace virtq::spec
