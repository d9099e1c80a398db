/* SPDX-License-Identifier: MIT */
#pragma once

/* How lwIP is built for this kernel: one thread, IPv4 with DHCP, TCP and UDP by callbacks. */
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_IPV6 0
#define LWIP_DHCP 1
#define LWIP_STATS 0

/* All memory of lwIP is in one heap, whose pages the card can read: packets are sent from where they are. */
extern void* lwip_heap;
#define LWIP_RAM_HEAP_POINTER lwip_heap
#define MEM_SIZE (1024 * 1024)
#define MEM_ALIGNMENT 8
#define MEMP_MEM_MALLOC 1

#define TCP_MSS 1460
#define TCP_WND (32 * TCP_MSS)
#define TCP_SND_BUF (32 * TCP_MSS)
#define TCP_SND_QUEUELEN 128

/* What is checked differs from packet to packet: the card may have checked it. */
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
