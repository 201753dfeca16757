// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.BpfObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The programs' object files, as the build ships them. A seam for tests of other builds. */
@FunctionalInterface
interface Objects {
  /** The objects that are part of every dataplane, in the order in which they bring new maps. */
  String[] ALL = {"tc4", "tc6", "preamble4", "xdp4", "ct_clean4", "ct_clean6", "clock4"};

  /** Those of this build. */
  Objects SHIPPED = Objects::resource;

  /**
   * The content of an object file.
   *
   * @param name such as "tc4"
   */
  byte[] read(String name);

  /** Opens an object. */
  default BpfObject open(String name) {
    return new BpfObject(name, read(name));
  }

  private static byte[] resource(String name) {
    String path = "/io/sluice/bpf/" + name + ".bpf.o";
    try (InputStream in = Objects.class.getResourceAsStream(path)) {
      if (in == null) {
        throw new IllegalStateException(path + " is missing from the class path");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
