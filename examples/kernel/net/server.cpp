// SPDX-License-Identifier: MIT
#include "server.hpp"

#include "decimal.hpp"
#include "serial.hpp"

#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>

namespace {

constexpr uint32_t file_bytes = 16 << 20;
constexpr uint32_t block_bytes = 64 << 10;

constexpr char const page[] =
    "<!doctype html><title>virtq</title><h1>This page came over a virtio network card.</h1>"
    "<p><a href=/file>16 MiB</a>, <a href=/clock>milliseconds</a>, <a href=/quit>quit</a>\n";

constinit virtq::Pages file;
constinit bool quit = false;

/// One request and its answer: a head that lwIP copies, then a body that it sends from where it is.
struct Connection {
    bool is_used;
    char line[32];  ///< the first one of the request
    uint32_t line_bytes;
    char head[256];
    uint32_t head_bytes;
    uint32_t body_bytes;  ///< of the file
    uint32_t written;     ///< of head and body
};
constinit Connection connections[16] = {};

bool is_request_for(Connection const& connection, char const* path) {
    char const* line = connection.line + 4;  // behind "GET "
    for (; *path != '\0'; ++path, ++line) {
        if (*line != *path) {
            return false;
        }
    }
    return *line == ' ';
}

void append(Connection& connection, char const* text) {
    for (; *text != '\0' && connection.head_bytes != sizeof connection.head; ++text) {
        connection.head[connection.head_bytes++] = *text;
    }
}

void answer(Connection& connection, char const* status, char const* text) {
    append(connection, "HTTP/1.0 ");
    append(connection, status);
    append(connection, "\r\n\r\n");
    append(connection, text);
}

void choose_answer(Connection& connection) {
    if (is_request_for(connection, "/")) {
        answer(connection, "200 OK", page);
    } else if (is_request_for(connection, "/file")) {
        append(connection, "HTTP/1.0 200 OK\r\nContent-Length: ");
        append(connection, Decimal{file_bytes}.text());
        append(connection, "\r\n\r\n");
        connection.body_bytes = file_bytes;
    } else if (is_request_for(connection, "/clock")) {
        answer(connection, "200 OK", Decimal{sys_now()}.text());
    } else if (is_request_for(connection, "/quit")) {
        quit = true;
        answer(connection, "200 OK", "bye\n");
    } else {
        answer(connection, "404 Not Found", "There is no such page.\n");
    }
}

void finish(Connection& connection, tcp_pcb* pcb) {
    tcp_arg(pcb, nullptr);
    tcp_recv(pcb, nullptr);
    tcp_sent(pcb, nullptr);
    tcp_err(pcb, nullptr);
    connection.is_used = false;
}

/// Writes as much as there is room for. lwIP calls again when the client has acknowledged some of it.
err_t write(Connection& connection, tcp_pcb* pcb) {
    uint32_t const all = connection.head_bytes + connection.body_bytes;
    while (connection.written != all && tcp_sndbuf(pcb) != 0) {
        bool const is_head = connection.written < connection.head_bytes;
        uint32_t const left = is_head ? connection.head_bytes - connection.written : all - connection.written;
        uint32_t const at = connection.written - connection.head_bytes;
        void const* const from = is_head ? connection.head + connection.written : static_cast<char*>(file.virt) + at;
        auto const bytes = static_cast<u16_t>(left < tcp_sndbuf(pcb) ? left : tcp_sndbuf(pcb));
        if (tcp_write(pcb, from, bytes, is_head ? TCP_WRITE_FLAG_COPY : 0) != ERR_OK) {
            break;  // no memory now
        }
        connection.written += bytes;
    }
    if (connection.written == all && tcp_close(pcb) == ERR_OK) {
        finish(connection, pcb);
        return ERR_OK;
    }
    return tcp_output(pcb);
}

err_t on_sent(void* argument, tcp_pcb* pcb, u16_t) {
    auto& connection = *static_cast<Connection*>(argument);
    return connection.head_bytes != 0 ? write(connection, pcb) : static_cast<err_t>(ERR_OK);
}

/// The first line decides; the rest of the request is thrown away.
err_t on_received(void* argument, tcp_pcb* pcb, pbuf* data, err_t) {
    auto& connection = *static_cast<Connection*>(argument);
    if (data == nullptr) {  // the client has closed before the answer
        finish(connection, pcb);
        return tcp_close(pcb);
    }
    bool is_complete = connection.head_bytes != 0;
    for (u16_t i = 0; i < data->tot_len && !is_complete; ++i) {
        uint8_t const byte = pbuf_get_at(data, i);
        is_complete = byte == '\n' || connection.line_bytes == sizeof connection.line - 1;
        if (!is_complete) {
            connection.line[connection.line_bytes++] = static_cast<char>(byte);
        }
    }
    tcp_recved(pcb, data->tot_len);
    pbuf_free(data);
    if (!is_complete || connection.head_bytes != 0) {
        return ERR_OK;
    }
    choose_answer(connection);
    return write(connection, pcb);
}

/// The connection was reset; its `tcp_pcb` is gone.
void on_error(void* argument, err_t) {
    static_cast<Connection*>(argument)->is_used = false;
}

err_t on_accepted(void*, tcp_pcb* pcb, err_t error) {
    for (Connection& connection : connections) {
        if (error == ERR_OK && !connection.is_used) {
            connection = {};
            connection.is_used = true;
            tcp_arg(pcb, &connection);
            tcp_recv(pcb, on_received);
            tcp_sent(pcb, on_sent);
            tcp_err(pcb, on_error);
            return ERR_OK;
        }
    }
    return ERR_MEM;
}

void echo(void*, udp_pcb* pcb, pbuf* datagram, ip_addr_t const* from, u16_t port) {
    udp_sendto(pcb, datagram, from, port);
    pbuf_free(datagram);
}

/// Blocks of random bytes, each different from the others: `net/host` makes the same bytes.
void make_file(PagePool& pages) {
    file = pages.allocate_pages(file_bytes / virtq::page_bytes);
    if (file.virt == nullptr) {
        serial::fail("there are no pages for the file", virtq::Error::no_pages);
    }
    auto* const bytes = static_cast<uint8_t*>(file.virt);
    uint32_t state = 1;
    for (uint32_t i = 0; i < block_bytes; ++i) {
        state = state * 1664525 + 1013904223;
        bytes[i] = static_cast<uint8_t>(state >> 24);
    }
    for (uint32_t i = block_bytes; i < file_bytes; ++i) {
        bytes[i] = static_cast<uint8_t>(bytes[i % block_bytes] ^ i / block_bytes);
    }
}

}  // namespace

namespace server {

void start(PagePool& pages) {
    make_file(pages);
    tcp_pcb* const web = tcp_new();
    udp_pcb* const datagrams = udp_new();
    if (web == nullptr || datagrams == nullptr || tcp_bind(web, IP_ADDR_ANY, 80) != ERR_OK ||
        udp_bind(datagrams, IP_ADDR_ANY, 7) != ERR_OK) {
        serial::fail("lwIP has no memory for a server");
    }
    tcp_accept(tcp_listen(web), on_accepted);
    udp_recv(datagrams, echo, nullptr);
}

bool is_done() {
    return quit && tcp_active_pcbs == nullptr;
}

void release(PagePool& pages) {
    pages.free_pages(file);
}

}  // namespace server
