// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.sys;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.testing.RequiresKernel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MountsTest {
  @Test
  @RequiresKernel
  void bpffsInstancesAreApart(@TempDir Path temp) throws Exception {
    Path one = temp.resolve("a/one with blank");
    Path two = temp.resolve("two");
    assertThat(Mounts.isBpffs(one)).isFalse();
    try {
      assertThat(Mounts.mountBpffs(one)).isTrue();
      assertThat(Mounts.mountBpffs(two)).isTrue();
      assertThat(Mounts.mountBpffs(one)).as("it is there").isFalse();
      assertThat(Mounts.isBpffs(one)).isTrue();
      Files.createDirectory(one.resolve("sluice"));
      assertThat(Mounts.isBpffs(one.resolve("sluice"))).isTrue();
      assertThat(two.resolve("sluice")).doesNotExist();
      assertThat(Mounts.parse(Files.readAllLines(Path.of("/proc/self/mountinfo"))))
          .contains(new Mounts.Mount("/", one, "bpf"));
    } finally {
      boolean both = Mounts.unmount(one) & Mounts.unmount(two);
      assertThat(both).isTrue();
    }
    assertThat(Mounts.isBpffs(one)).isFalse();
    assertThat(Mounts.unmount(one)).isFalse();
    assertThat(Mounts.unmount(temp.resolve("nosuch"))).isFalse();
  }

  @Test
  @RequiresKernel
  void theCgroupHierarchyIsFound() {
    assertThat(Mounts.cgroup2Root())
        .hasValueSatisfying(
            root -> {
              assertThat(Mounts.isCgroup2(root)).isTrue();
              assertThat(root.resolve("cgroup.controllers")).exists();
            });
  }

  @Test
  void theWholeHierarchyIsPreferredToAPart() {
    List<String> mountinfo =
        List.of(
            "22 28 0:20 / /proc rw,nosuid shared:5 - proc proc rw",
            "40 31 0:38 /a /part rw - cgroup2 cgroup2 rw",
            "41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw,relatime shared:9 master:1 - cgroup2 c rw",
            "broken");
    assertThat(Mounts.cgroup2Root(mountinfo)).contains(Path.of("/sys/fs/cgroup/uni fied"));
    assertThat(Mounts.cgroup2Root(mountinfo.subList(0, 2))).contains(Path.of("/part"));
    assertThat(Mounts.cgroup2Root(mountinfo.subList(0, 1))).isEmpty();
  }
}
