// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import io.sluice.lab.Lab;
import io.sluice.lab.LabNames;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/**
 * Removes the lab of a test run that was killed: a shell that waits for the end of a pipe, whose
 * other end this JVM holds. It is of a session of its own, so that it outlives whoever kills the
 * whole group.
 */
final class Janitor {
  private static final String SCRIPT = "read word; [ \"$word\" = done ] || exec \"$@\"";

  private final Process process;

  private Janitor(Process process) {
    this.process = process;
  }

  static Janitor watch(LabNames names) {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    ProcessBuilder builder =
        new ProcessBuilder(
            List.of(
                "setsid",
                "sh",
                "-c",
                SCRIPT,
                "sh",
                java,
                "-Xshare:auto",
                "-XX:+UseSerialGC",
                "-XX:-UseContainerSupport",
                Janitor.class.getName(),
                names.name()));
    // Surefire's own class path is a jar's manifest; the tests' is this property.
    builder
        .environment()
        .put(
            "CLASSPATH",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    // It stays open behind whoever reads this JVM's output to its end, were it inherited.
    builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    try {
      return new Janitor(builder.start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All was removed. */
  void dismiss() {
    try {
      process.getOutputStream().write("done\n".getBytes(StandardCharsets.US_ASCII));
      process.getOutputStream().close();
      process.waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Removes the lab of the name that is the one argument. */
  public static void main(String[] arguments) {
    try (Lab lab = Lab.open(LabNames.named(arguments[0]), null, line -> {})) {
      lab.down();
    }
  }
}
