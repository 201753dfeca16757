// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.testing;

import io.sluice.kernel.sys.Netns;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A network namespace of a test's own, by {@code ip netns}, so that what is tested is judged by
 * another program. Loopback is up. Gone after {@link #close}.
 */
public final class TestNetns implements AutoCloseable {
  private static final Pattern NAME = Pattern.compile("slt-[a-z-]+-p([0-9]+)-[0-9]+");
  private static final AtomicInteger COUNT = new AtomicInteger();

  private final String name;
  private final Netns netns;

  private TestNetns(String name) {
    this.name = name;
    this.netns = Netns.named(name);
  }

  /**
   * @param part what is tested; part of the name, to tell whose a leftover is
   */
  public static TestNetns create(String part) {
    String name =
        "slt-" + part + "-p" + ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet();
    if (COUNT.get() == 1) {
      deleteLeftovers();
    }
    exec("ip", "netns", "add", name);
    try {
      TestNetns netns = new TestNetns(name);
      netns.sh("ip link set lo up");
      return netns;
    } catch (RuntimeException e) {
      exec("ip", "netns", "delete", name);
      throw e;
    }
  }

  /** Deletes what a test run that was killed has left. */
  private static void deleteLeftovers() {
    for (String line : exec("ip", "netns", "list").split("\n")) {
      Matcher name = NAME.matcher(line);
      if (name.lookingAt() && ProcessHandle.of(Long.parseLong(name.group(1))).isEmpty()) {
        exec("ip", "netns", "delete", name.group());
      }
    }
  }

  public String name() {
    return name;
  }

  public Netns netns() {
    return netns;
  }

  /** Runs a shell command inside; returns its output, and fails with it if the command does. */
  public String sh(String command) {
    return exec("ip", "netns", "exec", name, "sh", "-ec", command);
  }

  /** Runs a command; returns its output, and fails with it if the command does. */
  public static String exec(String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int code = process.waitFor();
      if (code != 0) {
        throw new IllegalStateException(
            "exit code " + code + " of " + List.of(command) + ": " + output);
      }
      return output;
    } catch (IOException e) {
      throw new IllegalStateException("cannot run " + command[0], e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while running " + command[0], e);
    }
  }

  @Override
  public void close() {
    netns.close();
    exec("ip", "netns", "delete", name);
  }
}
