// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestNetns;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@RequiresKernel
class NetnsTest {
  private static final Path SELF = Path.of("/proc/thread-self/ns/net");
  private TestNetns here;

  @BeforeEach
  void open() {
    here = TestNetns.create("knet-ns");
  }

  @AfterEach
  void close() {
    here.close();
  }

  private static String inode() throws IOException {
    return Files.readSymbolicLink(SELF).toString();
  }

  @Test
  void runsInsideOnAThreadOfItsOwn() throws IOException {
    String before = inode();
    Thread caller = Thread.currentThread();
    String inside =
        here.netns()
            .run(
                () -> {
                  assertThat(Thread.currentThread()).isNotSameAs(caller);
                  return inode();
                });
    assertThat(inside).isEqualTo(here.sh("readlink /proc/self/ns/net").strip());
    assertThat(inside).isNotEqualTo(before);
    assertThat(inode()).as("the caller stays where it is").isEqualTo(before);
  }

  @Test
  void namesPathsAndProcessesAllLeadThere() throws IOException {
    String expected = here.netns().run(NetnsTest::inode);
    try (Netns byPath = Netns.at(Path.of("/run/netns", here.name()));
        Netns current = Netns.current();
        Netns own = Netns.ofProcess(ProcessHandle.current().pid())) {
      assertThat(byPath.run(NetnsTest::inode)).isEqualTo(expected);
      assertThat(current.run(NetnsTest::inode)).isEqualTo(inode());
      assertThat(own.run(NetnsTest::inode)).isEqualTo(inode());
    }
  }

  @Test
  void failuresComeThrough() {
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                here.netns()
                    .run(
                        () -> {
                          throw new IllegalStateException("as it is");
                        }))
        .withMessage("as it is");
    assertThatExceptionOfType(CompletionException.class)
        .isThrownBy(
            () ->
                here.netns()
                    .run(
                        () -> {
                          throw new IOException("checked");
                        }))
        .withCauseInstanceOf(IOException.class);
  }

  @Test
  void anAbsentNamespaceIsExplained() {
    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(() -> Netns.named("slt-knet-nosuch"))
        .withMessage(
            "open network namespace /run/netns/slt-knet-nosuch: "
                + "ENOENT (No such file or directory)");
  }

  @Test
  void whatIsNoNamespaceIsNotEntered() {
    try (Netns none = Netns.at(Path.of("/proc/self/status"))) {
      assertThatExceptionOfType(KernelException.class)
          .isThrownBy(() -> none.run(() -> 1))
          .withMessageContaining("enter network namespace /proc/self/status: EINVAL");
    }
  }
}
