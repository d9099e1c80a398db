/* SPDX-License-Identifier: MIT */
/*
 * What Linux's virtio_ring.c needs of a kernel, in a process: written anew, as small as it can be. Each header that it
 * includes and that Debian's linux-source is not asked for becomes an include of this one (see tests/bench/build.py).
 * Where it counts, things are as on x86_64 in a kernel without debugging: a page is 64 bytes of an array, fences are
 * a locked add and an exchange. kmalloc is malloc; sg_next is inline, which it is not in a kernel.
 */
#ifndef BENCH_KERNEL_H
#define BENCH_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* --- types --- */

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef uint8_t __u8;
typedef uint16_t __u16;
typedef uint32_t __u32;
typedef uint64_t __u64;
typedef uint16_t __le16;
typedef uint32_t __le32;
typedef uint64_t __le64;
typedef uint16_t __be16;
typedef uint32_t __be32;
typedef uint64_t __be64;
typedef u64 dma_addr_t;
typedef u64 phys_addr_t;
typedef unsigned int gfp_t;
typedef int irqreturn_t;
typedef long ktime_t;

#define __bitwise
#define __force
#define __user
#define __LITTLE_ENDIAN 1234
#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ul
#define PAGE_ALIGN(bytes) (((bytes) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1))

#define EIO 5
#define ENOENT 2
#define ENOMEM 12
#define EBUSY 16
#define EINVAL 22
#define ENOSPC 28
#define EPERM 1
#define E2BIG 7

#define IRQ_NONE 0
#define IRQ_HANDLED 1
#define GFP_KERNEL 1u
#define GFP_ATOMIC 2u
#define __GFP_ZERO 4u
#define __GFP_NOWARN 8u
#define __GFP_HIGHMEM 16u

/* --- compiler --- */

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#define might_sleep() ((void)0)
#define data_race(expression) (expression)
#define READ_ONCE(object) (*(const volatile __typeof__(object) *)&(object))
#define WRITE_ONCE(object, value) (*(volatile __typeof__(object) *)&(object) = (value))
#define container_of(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))
#define BIT_ULL(bit) (1ull << (bit))
#define BUILD_BUG_ON(condition) ((void)sizeof(char[1 - 2 * !!(condition)]))
#define min(a, b) ((a) < (b) ? (a) : (b))

#define EXPORT_SYMBOL_GPL(name) struct bench_no_export
#define MODULE_LICENSE(name) struct bench_no_export

#define barrier() __asm__ volatile("" ::: "memory")
#define mb() __asm__ volatile("mfence" ::: "memory")
#define virt_mb() __asm__ volatile("lock; addl $0, -4(%%rsp)" ::: "memory", "cc")
#define virt_rmb() barrier()
#define virt_wmb() barrier()
#define dma_rmb() barrier()
#define dma_wmb() barrier()
#define virt_store_mb(variable, value) ((void)__atomic_exchange_n(&(variable), (value), __ATOMIC_SEQ_CST))

#define BUG() __builtin_trap()
#define BUG_ON(condition)                                                                                              \
	do {                                                                                                           \
		if (unlikely(condition))                                                                               \
			BUG();                                                                                         \
	} while (0)
void bench_warn(void) __attribute__((cold));
#define WARN_ON(condition)                                                                                             \
	({                                                                                                             \
		int const bench_result = !!(condition);                                                                \
		if (unlikely(bench_result))                                                                            \
			bench_warn();                                                                                  \
		unlikely(bench_result);                                                                                \
	})
#define WARN_ON_ONCE WARN_ON

#define pr_debug(...) ((void)0)
#define dev_dbg(...) ((void)0)
#define dev_err(...) bench_warn()
#define dev_warn(...) bench_warn()
#define dev_warn_once(...) bench_warn()

static inline void *ERR_PTR(long error)
{
	return (void *)error;
}

#define le16_to_cpu(value) (value)
#define le32_to_cpu(value) (value)
#define le64_to_cpu(value) (value)
#define cpu_to_le16(value) (value)
#define cpu_to_le32(value) (value)
#define cpu_to_le64(value) (value)
#define be16_to_cpu(value) __builtin_bswap16(value)
#define be32_to_cpu(value) __builtin_bswap32(value)
#define be64_to_cpu(value) __builtin_bswap64(value)
#define cpu_to_be16(value) __builtin_bswap16(value)
#define cpu_to_be32(value) __builtin_bswap32(value)
#define cpu_to_be64(value) __builtin_bswap64(value)

/* --- lists, locks --- */

struct list_head {
	struct list_head *next, *prev;
};
static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list->prev = list;
}
static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	entry->next = head;
	entry->prev = head->prev;
	head->prev->next = entry;
	head->prev = entry;
}
static inline void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
}
#define list_for_each_entry(position, head, member)                                                                    \
	for (position = container_of((head)->next, __typeof__(*position), member); &position->member != (head);        \
	     position = container_of(position->member.next, __typeof__(*position), member))

typedef struct {
	int unused;
} spinlock_t;
static inline void spin_lock(spinlock_t *lock)
{
	(void)lock;
}
static inline void spin_unlock(spinlock_t *lock)
{
	(void)lock;
}
static inline void synchronize_rcu(void)
{
}

/* --- devices --- */

struct device {
	struct device *parent;
};
struct device_driver {
	const char *name;
};
struct virtio_device_id {
	u32 device, vendor;
};
struct cpumask;
static inline bool xen_domain(void)
{
	return false;
}

/* --- memory --- */

static inline void *kmalloc(size_t bytes, gfp_t flags)
{
	(void)flags;
	return malloc(bytes);
}
static inline void *kmalloc_array(size_t count, size_t bytes, gfp_t flags)
{
	size_t all;

	return __builtin_mul_overflow(count, bytes, &all) ? NULL : kmalloc(all, flags);
}
static inline void *kcalloc(size_t count, size_t bytes, gfp_t flags)
{
	(void)flags;
	return calloc(count, bytes);
}
static inline void kfree(const void *memory)
{
	free((void *)memory);
}
static inline void *alloc_pages_exact(size_t bytes, gfp_t flags)
{
	void *const made = aligned_alloc(PAGE_SIZE, bytes);

	(void)flags;
	return made ? memset(made, 0, bytes) : NULL;
}
static inline void free_pages_exact(void *memory, size_t bytes)
{
	(void)bytes;
	free(memory);
}
static inline phys_addr_t virt_to_phys(const volatile void *address)
{
	return (phys_addr_t)(uintptr_t)address;
}

struct page {
	u64 words[8];
};
static inline phys_addr_t page_to_phys(const struct page *page)
{
	return (phys_addr_t)((unsigned long)page / sizeof(struct page)) << PAGE_SHIFT;
}
static inline struct page *phys_to_page(phys_addr_t address)
{
	return (struct page *)((address >> PAGE_SHIFT) * sizeof(struct page));
}

/* --- scatterlists --- */

struct scatterlist {
	unsigned long page_link;
	unsigned int offset;
	unsigned int length;
	dma_addr_t dma_address;
	unsigned int dma_length;
};
#define SG_CHAIN 1ul
#define SG_END 2ul

static inline struct page *sg_page(struct scatterlist *sg)
{
	return (struct page *)(sg->page_link & ~(SG_CHAIN | SG_END));
}
static inline phys_addr_t sg_phys(struct scatterlist *sg)
{
	return page_to_phys(sg_page(sg)) + sg->offset;
}
static inline struct scatterlist *sg_next(struct scatterlist *sg)
{
	if (sg->page_link & SG_END)
		return NULL;
	sg++;
	if (unlikely(sg->page_link & SG_CHAIN))
		sg = (struct scatterlist *)(sg->page_link & ~(SG_CHAIN | SG_END));
	return sg;
}
#define sg_dma_address(sg) ((sg)->dma_address)
#define sg_dma_len(sg) ((sg)->dma_length)

/* --- DMA mapping: compiled, never called --- */

enum dma_data_direction { DMA_BIDIRECTIONAL, DMA_TO_DEVICE, DMA_FROM_DEVICE };

dma_addr_t dma_map_page(struct device *dev, struct page *page, size_t offset, size_t bytes,
			enum dma_data_direction direction);
dma_addr_t dma_map_single_attrs(struct device *dev, void *memory, size_t bytes, enum dma_data_direction direction,
				unsigned long attributes);
void dma_unmap_page(struct device *dev, dma_addr_t address, size_t bytes, enum dma_data_direction direction);
void dma_unmap_single_attrs(struct device *dev, dma_addr_t address, size_t bytes, enum dma_data_direction direction,
			    unsigned long attributes);
#define dma_map_single(dev, memory, bytes, direction) dma_map_single_attrs(dev, memory, bytes, direction, 0)
#define dma_unmap_single(dev, address, bytes, direction) dma_unmap_single_attrs(dev, address, bytes, direction, 0)
int dma_mapping_error(struct device *dev, dma_addr_t address);
bool dma_need_sync(struct device *dev, dma_addr_t address);
void dma_sync_single_range_for_cpu(struct device *dev, dma_addr_t address, unsigned long offset, size_t bytes,
				   enum dma_data_direction direction);
void dma_sync_single_range_for_device(struct device *dev, dma_addr_t address, unsigned long offset, size_t bytes,
				      enum dma_data_direction direction);
size_t dma_max_mapping_size(struct device *dev);
void *dma_alloc_coherent(struct device *dev, size_t bytes, dma_addr_t *address, gfp_t flags);
void dma_free_coherent(struct device *dev, size_t bytes, void *memory, dma_addr_t address);
static inline void kmsan_handle_dma(struct page *page, size_t offset, size_t bytes, enum dma_data_direction direction)
{
	(void)page, (void)offset, (void)bytes, (void)direction;
}

#endif
