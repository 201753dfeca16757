// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class InstanceLockTest {
  @TempDir private Path temp;

  /** Holds the lock given as argument until its input ends. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] args) throws IOException {
      try (InstanceLock lock = InstanceLock.acquire(Path.of(args[0]))) {
        System.out.println("held " + lock);
        System.in.read();
      }
    }
  }

  @Test
  void oneHolderInAProcess() {
    Path file = temp.resolve("data/lock");
    InstanceLock lock = InstanceLock.acquire(file);
    assertThatExceptionOfType(InstanceLock.HeldException.class)
        .isThrownBy(() -> InstanceLock.acquire(file))
        .withMessageContaining("another agent runs here (process " + ProcessHandle.current().pid());
    lock.close();
    lock.close();
    InstanceLock.acquire(file).close();
  }

  @Test
  void oneHolderAmongProcessesAndNoneAfterKill() throws Exception {
    Path file = temp.resolve("lock");
    Process holder =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-cp",
                System.getProperty("java.class.path"),
                Holder.class.getName(),
                file.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader output = holder.inputReader()) {
      assertThat(output.readLine()).startsWith("held");
      assertThatExceptionOfType(InstanceLock.HeldException.class)
          .isThrownBy(() -> InstanceLock.acquire(file))
          .withMessageContaining("process " + holder.pid() + " holds " + file.toRealPath());
    } finally {
      holder.destroyForcibly().waitFor();
    }
    InstanceLock.acquire(file).close();
  }

  @Test
  void aFileThatCannotBeIsExplained() throws IOException {
    Path file = Files.createFile(temp.resolve("file"));
    assertThatIllegalStateException()
        .isThrownBy(() -> InstanceLock.acquire(file.resolve("lock")))
        .withMessageContaining("cannot lock " + file.resolve("lock"));
  }
}
