// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.place;

import io.sluice.config.cli.CommandException;
import io.sluice.kernel.sys.Netns;
import java.io.IOException;

/**
 * Network namespaces without a name: they go with their descriptors, also with a killed process.
 */
public final class Unnamed {
  private Unnamed() {}

  /**
   * Makes one, the caller's to close.
   *
   * @throws CommandException if the kernel has none for us
   */
  public static Netns namespace() throws IOException {
    // Ends when told to, or with this process, whose end of the pipe it reads.
    Process maker =
        new ProcessBuilder("unshare", "--net", "sh", "-c", "echo made; read end").start();
    try {
      if (maker.inputReader().readLine() == null) {
        throw new CommandException("no network namespace: " + maker.errorReader().readLine());
      }
      return Netns.ofProcess(maker.pid());
    } finally {
      maker.destroy();
    }
  }
}
