// SPDX-License-Identifier: MIT
#pragma once

/// The one place that names the version of the standard. Every `§` in this library is a section of it.
namespace virtq::spec {

inline constexpr char const* version = "VIRTIO 1.4 CS01 (8 April 2026)";

}  // namespace virtq::spec
