// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// The flattened device tree: Devicetree Specification v0.4, §5 (Flattened Devicetree (DTB) Format). All its words are
/// 32 bits wide and big-endian.
namespace virtq::spec::device_tree {

inline constexpr uint32_t magic = 0xd00dfeed;  ///< the first word of every flattened device tree
inline constexpr uint32_t version = 17;        ///< the format that this header describes

/// §5.2 (Header): offsets of the fields, in bytes.
inline constexpr uint32_t magic_offset = 0x00;               ///< magic: tells that this is a device tree
inline constexpr uint32_t total_bytes_offset = 0x04;         ///< totalsize: length of the whole tree, in bytes
inline constexpr uint32_t structure_start_offset = 0x08;     ///< off_dt_struct: where the structure block begins
inline constexpr uint32_t strings_start_offset = 0x0c;       ///< off_dt_strings: where the strings block begins
inline constexpr uint32_t version_offset = 0x14;             ///< version: format of this tree
inline constexpr uint32_t compatible_version_offset = 0x18;  ///< last_comp_version: oldest compatible format
inline constexpr uint32_t strings_bytes_offset = 0x20;    ///< size_dt_strings: length of the strings block, in bytes
inline constexpr uint32_t structure_bytes_offset = 0x24;  ///< size_dt_struct: length of the structure block, in bytes
inline constexpr uint32_t header_bytes = 0x28;            ///< length of the header, in bytes

/// §5.4.1 (Lexical structure).
enum class Token : uint32_t {
    begin_node = 1,  ///< FDT_BEGIN_NODE
    end_node = 2,    ///< FDT_END_NODE
    property = 3,    ///< FDT_PROP
    nothing = 4,     ///< FDT_NOP
    end = 9,         ///< FDT_END
};

/// §2.3.5 (`address-cells` and `size-cells`): the values that apply if a node lacks these properties.
inline constexpr uint32_t default_address_cells = 2;  ///< 32-bit words of an address in `reg`
inline constexpr uint32_t default_size_cells = 1;     ///< 32-bit words of a length in `reg`

}  // namespace virtq::spec::device_tree
