// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.host;

import java.util.List;
import java.util.Optional;

/**
 * The kernel's settings below {@code net} of one network namespace. Keys are paths below /proc/sys
 * with slashes, as {@code net/ipv4/conf/eth0.5/forwarding}: an interface's name may have dots.
 */
public interface Sysctls {
  /** The value, trimmed; empty if there is no such setting. */
  Optional<String> read(String key);

  /**
   * Sets a value.
   *
   * @throws java.io.UncheckedIOException if the kernel refuses, or has no such setting
   */
  void write(String key, String value);

  /** The names of what is below a key that is a folder, in order; none if there is no such key. */
  List<String> list(String key);
}
