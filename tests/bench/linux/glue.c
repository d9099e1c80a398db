/* SPDX-License-Identifier: MIT */
/* Between the benchmark and Linux's virtio_ring.c: makes a queue as a transport does, and scatterlists. */
#include "glue.h"

#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

static bool no_doorbell(struct virtqueue *queue)
{
	(void)queue;
	return true;
}
static void no_callback(struct virtqueue *queue)
{
	(void)queue;
}

struct virtqueue *bench_linux_create(unsigned int size, unsigned long long features, int notifications)
{
	struct virtio_device *const device = calloc(1, sizeof *device);
	struct virtqueue *queue;

	INIT_LIST_HEAD(&device->vqs);
	device->features = features;
	queue = vring_create_virtqueue(0, size, 4096, device, true, false, false, no_doorbell,
				       notifications ? no_callback : NULL, "bench");
	if (queue)
		virtio_break_device(device), __virtio_unbreak_device(device);
	return queue;
}

unsigned int bench_linux_sg_bytes(void)
{
	return sizeof(struct scatterlist);
}

void bench_linux_fill_sg(void *list, unsigned int place, unsigned long long address, unsigned int bytes, int is_last)
{
	struct scatterlist *const sg = (struct scatterlist *)list + place;

	sg->page_link = (unsigned long)phys_to_page(address) | (is_last ? SG_END : 0);
	sg->offset = address & (PAGE_SIZE - 1);
	sg->length = bytes;
}

void bench_warn(void)
{
	abort();
}

/* The DMA mapping that nobody uses. */
#define NOT_HERE abort()
dma_addr_t dma_map_page(struct device *d, struct page *p, size_t o, size_t b, enum dma_data_direction r)
{
	NOT_HERE;
}
dma_addr_t dma_map_single_attrs(struct device *d, void *m, size_t b, enum dma_data_direction r, unsigned long a)
{
	NOT_HERE;
}
void dma_unmap_page(struct device *d, dma_addr_t a, size_t b, enum dma_data_direction r)
{
	NOT_HERE;
}
void dma_unmap_single_attrs(struct device *d, dma_addr_t a, size_t b, enum dma_data_direction r, unsigned long t)
{
	NOT_HERE;
}
int dma_mapping_error(struct device *d, dma_addr_t a)
{
	NOT_HERE;
}
bool dma_need_sync(struct device *d, dma_addr_t a)
{
	NOT_HERE;
}
void dma_sync_single_range_for_cpu(struct device *d, dma_addr_t a, unsigned long o, size_t b,
				   enum dma_data_direction r)
{
	NOT_HERE;
}
void dma_sync_single_range_for_device(struct device *d, dma_addr_t a, unsigned long o, size_t b,
				      enum dma_data_direction r)
{
	NOT_HERE;
}
size_t dma_max_mapping_size(struct device *d)
{
	NOT_HERE;
}
void *dma_alloc_coherent(struct device *d, size_t b, dma_addr_t *a, gfp_t f)
{
	NOT_HERE;
}
void dma_free_coherent(struct device *d, size_t b, void *m, dma_addr_t a)
{
	NOT_HERE;
}
void virtio_check_driver_offered_feature(const struct virtio_device *device, unsigned int bit)
{
	NOT_HERE;
}
