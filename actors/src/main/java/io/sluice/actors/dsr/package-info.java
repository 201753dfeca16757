// SPDX-License-Identifier: Apache-2.0
/** Which clients do without direct server return. */
package io.sluice.actors.dsr;
