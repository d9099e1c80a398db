// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace virtq::test {

/// A folder of its own for a test, which is gone with it.
class TestFolder {
public:
    TestFolder() : path_(make()) {}
    TestFolder(TestFolder const&) = delete;
    TestFolder& operator=(TestFolder const&) = delete;
    ~TestFolder() { std::filesystem::remove_all(path_); }

    [[nodiscard]] std::string path(std::string const& name) const { return (path_ / name).string(); }

private:
    [[nodiscard]] static std::filesystem::path make() {
        std::string name = (std::filesystem::temp_directory_path() / "virtq-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("mkdtemp failed");
        }
        return name;
    }

    std::filesystem::path path_;
};

/// Another program. It ends with this object, and with the test, at the latest.
class Process {
public:
    Process() = default;
    Process(Process const&) = delete;
    Process& operator=(Process const&) = delete;
    ~Process() { kill(); }

    /// `words` are the program and its arguments. What it prints goes into the file `log`.
    void start(std::vector<std::string> words, std::string const& log) {
        kill();
        ::pid_t const test = ::getpid();
        id_ = ::fork();
        if (id_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that is killed takes it along
            if (::getppid() != test) {
                ::_exit(127);
            }
            int const file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
            ::dup2(file, STDOUT_FILENO);
            ::dup2(file, STDERR_FILENO);
            std::vector<char*> arguments;
            for (std::string& word : words) {
                arguments.push_back(word.data());
            }
            arguments.push_back(nullptr);
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
    }
    /// Ends it at once, whatever it does.
    void kill() {
        if (id_ > 0) {
            ::kill(id_, SIGKILL);
            ::waitpid(id_, nullptr, 0);
            id_ = -1;
        }
    }
    [[nodiscard]] bool is_running() const {
        ::siginfo_t info{};
        return id_ > 0 && ::waitid(P_PID, static_cast<::id_t>(id_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
               info.si_pid == 0;
    }

private:
    ::pid_t id_ = -1;
};

}  // namespace virtq::test
