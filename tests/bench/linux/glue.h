/* SPDX-License-Identifier: MIT */
/* What of Linux's virtio_ring.c the benchmark calls: its own functions as they are, and what glue.c adds. */
#ifndef BENCH_GLUE_H
#define BENCH_GLUE_H

#ifdef __cplusplus
extern "C" {

/* As in linux/virtio.h, which is no C++. */
struct virtqueue;
struct scatterlist;
int virtqueue_add_outbuf(struct virtqueue *queue, struct scatterlist list[], unsigned int count, void *token,
			 unsigned int flags);
int virtqueue_add_sgs(struct virtqueue *queue, struct scatterlist *lists[], unsigned int out, unsigned int in,
		      void *token, unsigned int flags);
bool virtqueue_kick_prepare(struct virtqueue *queue);
void *virtqueue_get_buf(struct virtqueue *queue, unsigned int *written);
unsigned long long virtqueue_get_desc_addr(struct virtqueue *queue);
unsigned long long virtqueue_get_avail_addr(struct virtqueue *queue);
unsigned long long virtqueue_get_used_addr(struct virtqueue *queue);
#else
struct virtqueue;
#endif

struct virtqueue *bench_linux_create(unsigned int size, unsigned long long features, int notifications);
unsigned int bench_linux_sg_bytes(void);
void bench_linux_fill_sg(void *list, unsigned int place, unsigned long long address, unsigned int bytes, int is_last);

#ifdef __cplusplus
}
#endif

#endif
