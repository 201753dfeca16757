// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.btf.Btf;
import java.util.Optional;

/** Types that the kernel keeps for maps and programs. */
public final class KernelTypes {
  private KernelTypes() {}

  /** The types that describe a map's keys and values; empty if it was made without. */
  public static Optional<Btf> of(MapInfo map) {
    return map.btfId() == 0 ? Optional.empty() : Bpf.btfById(map.btfId()).map(KernelTypes::read);
  }

  private static Btf read(Fd btf) {
    try (btf) {
      // struct bpf_btf_info: address and size of the buffer; the kernel fills in the size it has.
      NativeBuffer info = new NativeBuffer(32);
      Bpf.info(btf, info, "BTF");
      int size = info.bytes().getInt(8);
      NativeBuffer data = new NativeBuffer(size);
      info.clear();
      info.bytes().putLong(0, data.address()).putInt(8, size);
      Bpf.info(btf, info, "BTF");
      return Btf.parse(data.copy(0, size));
    }
  }
}
