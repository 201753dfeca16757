// SPDX-License-Identifier: Apache-2.0
/** The VXLAN device to other nodes. */
package io.sluice.actors.tunnel;
