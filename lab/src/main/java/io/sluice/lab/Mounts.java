// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** Mounts of this mount namespace. */
final class Mounts {
  /** A mount: where, and the file system's type. */
  record Mount(Path target, String type) {}

  private Mounts() {}

  /** All mounts, in the order of the kernel: a mount above another comes later. */
  static List<Mount> list() {
    List<Mount> mounts = new ArrayList<>();
    for (String line : Shell.lines(Path.of("/proc/self/mountinfo"))) {
      // ID PARENT MAJOR:MINOR ROOT TARGET OPTIONS [OPTIONAL…] - TYPE SOURCE OPTIONS
      String[] fields = line.split(" ");
      int dash = Arrays.asList(fields).indexOf("-");
      mounts.add(new Mount(Path.of(fields[4].replace("\\040", " ")), fields[dash + 1]));
    }
    return mounts;
  }

  static boolean isMounted(Path target) {
    return list().stream().anyMatch(m -> m.target().equals(target));
  }

  static void mount(String type, String options, Path target) {
    if (!isMounted(target)) {
      Shell.run("mount", "-t", type, "-o", options, "sluice-lab", target.toString());
    }
  }

  /** Unmounts everything at and below a folder, the uppermost first. */
  static void unmountBelow(Path folder) {
    List<Mount> mounts = new ArrayList<>(list());
    Collections.reverse(mounts);
    for (Mount mount : mounts) {
      if (mount.target().startsWith(folder)) {
        String target = mount.target().toString();
        // What is still open somewhere is detached now, and gone with its last user.
        if (!Shell.attempt("umount", target).ok()) {
          Shell.run("umount", "-l", target);
        }
      }
    }
  }
}
