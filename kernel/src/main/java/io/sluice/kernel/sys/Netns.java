// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.sys;

import io.sluice.kernel.bpf.KernelException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * A network namespace, held open by a descriptor. {@link #run} works inside of it on a thread that
 * is made for the call and ends with it: a thread that was moved is never seen by anybody else.
 *
 * <p>Sockets belong for good to the namespace that they were opened in, so a socket opened inside
 * {@code run} may be used outside. {@code /proc/sys/net} follows the calling thread; {@code
 * /proc/net} does not (it shows the main thread's namespace): read {@code /proc/thread-self/net}.
 */
public final class Netns implements AutoCloseable {
  private static final Path NAMED = Path.of("/run/netns");
  private static final int CLONE_NEWNET = 0x4000_0000;
  private static final int O_RDONLY_CLOEXEC = 0x80000;

  private final String name;
  private final int fd;

  private Netns(String name, int fd) {
    this.name = name;
    this.fd = fd;
  }

  /**
   * A namespace that {@code ip netns} knows.
   *
   * @throws KernelException with ENOENT if there is none
   */
  public static Netns named(String name) {
    return open(name, NAMED.resolve(name));
  }

  /** A namespace by a path that it is bound to. */
  public static Netns at(Path path) {
    return open(path.toString(), path);
  }

  /** The namespace of a process. */
  public static Netns ofProcess(long pid) {
    return open("of process " + pid, Path.of("/proc/" + pid + "/ns/net"));
  }

  /** The calling thread's namespace. */
  public static Netns current() {
    return open("current", Path.of("/proc/thread-self/ns/net"));
  }

  private static Netns open(String name, Path path) {
    int fd = Libc.get().open(path.toString(), O_RDONLY_CLOEXEC, 0);
    Libc.check("open network namespace " + path, fd);
    return new Netns(name, fd);
  }

  /** The descriptor, for calls that take one; valid until {@link #close}. */
  public int fd() {
    return fd;
  }

  /**
   * Runs a task inside the namespace, on a new thread, and waits for it.
   *
   * @return what the task returned
   * @throws KernelException if the namespace cannot be entered
   * @throws CompletionException around a checked exception of the task; unchecked ones and errors
   *     come as they are
   */
  public <T> T run(Callable<T> task) {
    CompletableFuture<T> result = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                enter();
                result.complete(task.call());
              } catch (Throwable e) {
                result.completeExceptionally(e);
              }
            },
            "netns " + name);
    thread.setDaemon(true);
    thread.start();
    try {
      return result.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException unchecked) {
        throw unchecked;
      }
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e;
    }
  }

  /** Moves the calling thread, which must be one of our own making, into the namespace. */
  void enter() {
    Libc.check("enter network namespace " + name, Libc.get().setns(fd, CLONE_NEWNET));
  }

  @Override
  public void close() {
    Libc.get().close(fd);
  }

  @Override
  public String toString() {
    return "network namespace " + name;
  }
}
